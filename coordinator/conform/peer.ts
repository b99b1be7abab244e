/**
 * One connection to a worker, for a script that reads the worker's messages one by one. Every wait has a deadline. If
 * it passes, the error says what the script waited for.
 */
import { decodeFromWorker, encodeFrame } from '../../shared/protocol/codec.js';
import { protocolErrors } from '../../shared/protocol/errors.js';
import type { FromCoordinator, FromWorker } from '../../shared/protocol/messages.js';

/** A WebSocket, or a replacement for it in a test. */
export interface PeerSocket {
  send(frame: Uint8Array): void;
  close(closeCode: number): void;
}

/** Calls `call` once after `ms` milliseconds. Returns a function that cancels the call. */
export type Timer = (ms: number, call: () => void) => () => void;

export interface HeardMessage<M extends FromWorker = FromWorker> {
  readonly message: M;
  readonly payload: Uint8Array;
}

type Of<T extends FromWorker['type']> = Extract<FromWorker, { readonly type: T }>;

/** Says why the conversation cannot go on: the worker is silent or gone, or sent an unexpected message. */
export class Interruption extends Error {}

export class Peer {
  /** The ids of all received pongs. A worker may send pongs with id 0 at any time. */
  readonly pongs = new Set<number>();
  private readonly frames: Uint8Array[] = [];
  private closeCode: number | null = null;
  /** Ends the present wait. */
  private arrived: () => void = () => {};

  constructor(
    private readonly socket: PeerSocket,
    private readonly timer: Timer,
  ) {}

  // ---- from the socket ----

  /** Receives a frame. It is empty if the worker sent text. The bytes must not change later. */
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

  /** Sends a frame as it is. It may be one that no coordinator would send. */
  sendRaw(frame: Uint8Array): void {
    this.socket.send(frame);
  }

  close(closeCode: number): void {
    this.socket.close(closeCode);
  }

  /** Resolves with the next message, which must have one of these types. Pongs are noted and skipped. */
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

  /** Resolves when a pong with this id has come. Other messages before it are kept for `expect`. */
  async expectPong(id: number, what: string, waitMs: number): Promise<void> {
    const kept: Uint8Array[] = [];
    while (!this.pongs.has(id)) {
      const frame = await this.frame(what, waitMs);
      if (decoded(frame).message.type === 'pong') this.note(frame);
      else kept.push(frame);
    }
    this.frames.unshift(...kept);
  }

  /** Resolves with the worker's close code. Messages before it are skipped. */
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

  /** Notes the id of a pong. Returns whether the frame is a pong. */
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
