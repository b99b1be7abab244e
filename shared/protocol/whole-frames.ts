/**
 * Hands a WebSocket's bytes to ws in whole frames. By itself, ws puts each frame that came in several pieces together
 * in a buffer of its own; with frames of some 64 kB, that is as much garbage as there is traffic, and its collection
 * took a tenth of a step. Here, frames are put together in one buffer, used again and again.
 *
 * What this is not: a check of frames. It reads how long they are; ws does all the rest. And it owns no socket: both
 * ends hand in theirs.
 */

/** Bytes that one read from a socket brings at most. */
const READ_BYTES = 65_536;
/** Of the header of a frame: two bytes, eight for a length, four for a mask. */
const headerBytesMax = 14;

type Receive<Chunk> = (bytes: Chunk) => void;

/** The part of a Node stream that is needed here. */
export interface DataStream<Chunk> {
  // biome-ignore lint/complexity/noBannedTypes: as Node declares it
  listeners(event: 'data'): Function[];
  off(event: 'data', listener: Receive<Chunk>): unknown;
  on(event: 'data', listener: Receive<Chunk>): unknown;
}

/**
 * To be called when ws listens to `stream`, before anything arrives. `asChunk` makes a view into what ws takes. A
 * message holds until its listener returns.
 */
export function deliverWholeFrames<Chunk extends Uint8Array>(
  stream: DataStream<Chunk>,
  frameBytesMax: number,
  asChunk: (bytes: Uint8Array) => Chunk,
): void {
  const receive = stream.listeners('data')[0] as Receive<Chunk>;
  const frames = new WholeFrames(frameBytesMax, (bytes) => receive.call(stream, asChunk(bytes)));
  stream.off('data', receive);
  stream.on('data', (bytes) => frames.take(bytes));
}

/** Node's option `onread`: where a socket reads to, and who hears of it. */
export interface OnRead {
  readonly buffer: Uint8Array;
  readonly callback: (bytes: number) => boolean;
}

/** Has a socket opened that reads into one buffer, used again and again: what it brings is taken at once, or not read. */
export function reusing<S extends { push(bytes: Uint8Array): boolean }>(open: (onread: OnRead) => S): S {
  const buffer = new Uint8Array(READ_BYTES);
  const socket: S = open({ buffer, callback: (bytes) => socket.push(buffer.subarray(0, bytes)) });
  return socket;
}

export class WholeFrames {
  private buffer = new Uint8Array(4 * READ_BYTES);
  /** What has come and was not delivered lies from `start` to `end`; `wanted` bytes of it are the next frame. */
  private start = 0;
  private end = 0;
  /** Frames are delivered as they come: ws will close the connection over one that is too long. */
  private gaveUp = false;

  constructor(
    /** Longest payload that is put together. */
    private readonly frameBytesMax: number,
    private readonly deliver: (bytes: Uint8Array) => void,
  ) {}

  take(bytes: Uint8Array): void {
    if (this.gaveUp) return this.deliver(bytes);
    this.append(bytes);
    const whole = this.wholeFramesEnd();
    const delivered = this.buffer.subarray(this.start, whole);
    this.start = whole;
    if (delivered.length > 0) this.deliver(delivered);
  }

  private append(bytes: Uint8Array): void {
    if (this.end + bytes.length > this.buffer.length) this.makeRoom(bytes.length);
    this.buffer.set(bytes, this.end);
    this.end += bytes.length;
  }

  private makeRoom(bytes: number): void {
    const waiting = this.end - this.start;
    const { buffer } = this;
    if (waiting + bytes > buffer.length) this.buffer = new Uint8Array(2 * (waiting + bytes));
    this.buffer.set(buffer.subarray(this.start, this.end));
    this.start = 0;
    this.end = waiting;
  }

  /** Where the last frame ends that is there in whole. */
  private wholeFramesEnd(): number {
    let at = this.start;
    for (;;) {
      const bytes = frameBytes(this.buffer, at, this.end);
      if (bytes > this.frameBytesMax + headerBytesMax) {
        this.gaveUp = true;
        return this.end;
      }
      if (at + bytes > this.end) return at;
      at += bytes;
    }
  }
}

/** Bytes of the frame that begins at `at`, with its header (RFC 6455, section 5.2); infinite while that is not known. */
function frameBytes(buffer: Uint8Array, at: number, end: number): number {
  if (end - at < 2) return headerBytesMax;
  const second = buffer[at + 1];
  const masked = second >> 7 === 1 ? 4 : 0;
  const length = second & 0x7f;
  if (length < 126) return 2 + masked + length;
  if (end - at < headerBytesMax) return headerBytesMax;
  const view = new DataView(buffer.buffer, buffer.byteOffset);
  if (length === 126) return 4 + masked + view.getUint16(at + 2);
  return 10 + masked + Number(view.getBigUint64(at + 2));
}
