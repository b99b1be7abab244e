/** Where workers come in: a WebSocket server (gateway.ts), or a simulated network. The site makes members of them. */
import type { MemberConnection } from '../../shared/fleet/member-connection.js';
import type { End } from '../../shared/protocol/messages.js';

/** What hears of a connection. */
export interface Entrant {
  /** A whole frame; valid until the call returns. */
  receive(frame: Uint8Array): void;
  /** Once, after which there is nothing more. */
  disconnected(): void;
}

export interface Entrance {
  /** From now on, each new connection is handed to `admit`. Called once. */
  open(frameBytesMax: number, admit: (connection: MemberConnection) => Entrant): void;
  /**
   * From now on, a new connection is told `end` and closed. Resolves when all connections are gone; those that are left
   * after `graceMs` are cut.
   */
  close(end: End, graceMs: number): Promise<void>;
}
