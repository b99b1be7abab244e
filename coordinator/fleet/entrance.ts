/** Where workers come in: a WebSocket server (gateway.ts), or a simulated network. The site makes members of them. */
import type { MemberConnection } from '../../shared/fleet/member-connection.js';
import type { End } from '../../shared/protocol/messages.js';

/** Receives the events of one connection. */
export interface Entrant {
  /** A whole frame. It is valid until the call returns. */
  receive(frame: Uint8Array): void;
  /** Called once, as the last call. */
  disconnected(): void;
}

export interface Entrance {
  /** From now on, each new connection is handed to `admit`. Called once. */
  open(frameBytesMax: number, admit: (connection: MemberConnection) => Entrant): void;
  /**
   * From now on, each new connection gets the message `end` and is closed. Resolves when all connections are gone. Cuts
   * the connections that are left after `graceMs`.
   */
  close(end: End, graceMs: number): Promise<void>;
}
