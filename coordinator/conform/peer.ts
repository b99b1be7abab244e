/**
 * A worker's end of one connection, for a script that reads it message by message. Every wait has a deadline, and says
 * what it waited for.
 */
import { decodeFromWorker, encodeFrame } from '../../shared/protocol/codec.js';
import { protocolErrors } from '../../shared/protocol/errors.js';
import type { FromCoordinator, FromWorker } from '../../shared/protocol/messages.js';

/** One WebSocket, or what stands for one. */
export interface PeerSocket {
  send(frame: Uint8Array): void;
  close(closeCode: number): void;
}

/** Calls back once after so many milliseconds, unless what it returns is called before. */
export type Timer = (ms: number, call: () => void) => () => void;

export interface HeardMessage<M extends FromWorker = FromWorker> {
  readonly message: M;
  readonly payload: Uint8Array;
}

type Of<T extends FromWorker['type']> = Extract<FromWorker, { readonly type: T }>;

/** The conversation cannot go on: the worker is silent or gone, or said something that has no place here. */
export class Interruption extends Error {}

export class Peer {
  /** Ids that pongs had; a worker may send pongs of id 0 at any time. */
  readonly pongs = new Set<number>();
  private readonly frames: Uint8Array[] = [];
  private closeCode: number | null = null;
  /** Wakes up whoever waits. */
  private arrived: () => void = () => {};

  constructor(
    private readonly socket: PeerSocket,
    private readonly timer: Timer,
  ) {}

  // ---- from the socket ----

  /** Empty if it was text. The bytes must stay as they are. */
  received(frame: Uint8Array): void {
    this.frames.push(frame);
    this.arrived();
  }

  closed(closeCode: number): void {
    this.closeCode = closeCode;
    this.arrived();
  }

  // ---- for the script ----

  send(message: FromCoordinator, ...payload: Uint8Array[]): void {
    this.socket.send(encodeFrame(message, ...payload));
  }

  /** A frame that no coordinator would send. */
  sendRaw(frame: Uint8Array): void {
    this.socket.send(frame);
  }

  close(closeCode: number): void {
    this.socket.close(closeCode);
  }

  /** The next message, which must be of one of these types. Pongs are noted and passed over. */
  async expect<T extends FromWorker['type']>(
    types: readonly T[],
    what: string,
    waitMs: number,
  ): Promise<HeardMessage<Of<T>>> {
    const heard = await this.next(what, waitMs);
    const { message } = heard;
    if ((types as readonly string[]).includes(message.type)) return heard as HeardMessage<Of<T>>;
    if (message.type === 'failure') {
      throw new Interruption(`waited for ${what}, but the worker says ${message.code}: ${message.message}`);
    }
    if (message.type === 'leave') throw new Interruption(`waited for ${what}, but the worker leaves`);
    throw new Interruption(`waited for ${what}, but got ${message.type}`);
  }

  /** Resolves when a pong of this id was heard. What else comes before it stays for `expect`. */
  async expectPong(id: number, what: string, waitMs: number): Promise<void> {
    const kept: Uint8Array[] = [];
    while (!this.pongs.has(id)) {
      const frame = await this.frame(what, waitMs);
      if (decoded(frame).message.type === 'pong') this.note(frame);
      else kept.push(frame);
    }
    this.frames.unshift(...kept);
  }

  /** The code that the worker closes with; messages on the way are passed over. */
  async expectClose(what: string, waitMs: number): Promise<number> {
    while (this.closeCode === null) {
      if (this.frames.length === 0) await this.wait(what, waitMs);
      this.frames.length = 0;
    }
    return this.closeCode;
  }

  private async next(what: string, waitMs: number): Promise<HeardMessage> {
    for (;;) {
      const frame = await this.frame(what, waitMs);
      if (!this.note(frame)) return decoded(frame);
    }
  }

  /** True for a pong. */
  private note(frame: Uint8Array): boolean {
    const { message } = decoded(frame);
    if (message.type === 'pong') this.pongs.add(message.id);
    return message.type === 'pong';
  }

  private async frame(what: string, waitMs: number): Promise<Uint8Array> {
    if (this.frames.length === 0 && this.closeCode === null) await this.wait(what, waitMs);
    const frame = this.frames.shift();
    if (frame !== undefined) return frame;
    throw new Interruption(`waited for ${what}, but the connection was closed with ${this.closeCode}`);
  }

  private async wait(what: string, waitMs: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const silent = `waited ${waitMs / 1000} s for ${what}, and heard nothing`;
      const cancel = this.timer(waitMs, () => reject(new Interruption(silent)));
      this.arrived = () => {
        cancel();
        resolve();
      };
    });
  }
}

function decoded(frame: Uint8Array): HeardMessage {
  const heard = decodeFromWorker(frame);
  if ('message' in heard) return heard;
  const { code, message } = heard.error;
  throw new Interruption(`a frame is refused as ${code} (close code ${protocolErrors[code].closeCode}): ${message}`);
}
