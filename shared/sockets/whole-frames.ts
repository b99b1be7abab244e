/**
 * Hands a WebSocket's bytes to ws in whole messages. Without this, ws joins the pieces of each frame in a new buffer.
 * With frames of more than 100 kB, that makes as much garbage as there is traffic; collecting it took a tenth of a
 * step. Here, a socket reads into one buffer that is used again and again, and ws gets views of it. A message that a
 * browser has cut into several frames waits for its last frame, because ws keeps views of the others.
 *
 * What this is not: a check of frames. It only reads their lengths; ws does the rest. It owns no socket: both ends hand
 * in theirs.
 */
import { assert } from '../assert.js';
import { limits } from '../limits.js';

/** The buffer's first size: room for a part of a tensor, and for the bytes that arrive while it is unpacked. */
const BUFFER_BYTES = 384 * 1024;
/** The least room for one read. */
const READ_BYTES_MIN = 65_536;
/** Bits of a frame's first byte (RFC 6455, section 5.2): the last frame of a message, and a control frame. */
const FINAL = 0x80;
const CONTROL = 0x08;
/** The longest header of a frame: two bytes, eight for a length, four for a mask. */
const headerBytesMax = 14;

type Receive<Chunk> = (bytes: Chunk) => void;

/** The part of a Node socket that is needed here. */
export interface DataStream<Chunk> {
  // biome-ignore lint/complexity/noBannedTypes: as Node declares it
  listeners(event: 'data'): Function[];
  off(event: 'data', listener: Receive<Chunk>): unknown;
  on(event: 'data', listener: Receive<Chunk>): unknown;
  prependListener(event: 'close', listener: () => void): unknown;
  isPaused(): boolean;
  resume(): unknown;
  /** Handles bytes as if the socket had read them: during the handshake. */
  push(bytes: Uint8Array): boolean;
}

/** Node's option `onread`: the buffer that a socket reads into, and the call after each read. False stops reading. */
export interface OnRead {
  readonly buffer: () => Uint8Array;
  readonly callback: (bytes: number) => boolean;
}

/**
 * Opens a socket that reads into `frames`, for `deliver` below. `defer` calls back in another turn of the event loop.
 */
export function readingInto<S extends Pick<DataStream<never>, 'push' | 'isPaused' | 'resume'>>(
  frames: WholeFrames,
  defer: (call: () => void) => void,
  open: (onread: OnRead) => S,
): S {
  const socket: S = open({ buffer: () => frames.room(), callback: (bytes) => frames.filled(bytes, readOn) });
  const readOn = () => defer(() => socket.isPaused() || socket.resume());
  frames.deliverTo((bytes) => socket.push(bytes), 0);
  return socket;
}

/**
 * Delivers whole messages to ws. To be called when ws listens to `stream`, before more bytes arrive. `asChunk` turns a
 * view into the type that ws takes. A message is valid until its listener returns.
 */
export function deliver<Chunk extends Uint8Array>(
  frames: WholeFrames,
  stream: DataStream<Chunk>,
  frameBytesMax: number,
  asChunk: (bytes: Uint8Array) => Chunk,
): void {
  const receive = stream.listeners('data')[0] as Receive<Chunk>;
  frames.deliverTo((bytes) => receive.call(stream, asChunk(bytes)), frameBytesMax);
  stream.off('data', receive);
  // Some bytes still come this way: those that came with the handshake, and those that TLS has decrypted.
  const accept = (bytes: Chunk) => frames.accept(bytes);
  stream.on('data', accept);
  // As ws does with its own listener: it reads the last bytes itself.
  stream.prependListener('close', () => stream.off('data', accept));
}

export class WholeFrames {
  private buffer = new Uint8Array(BUFFER_BYTES);
  /** Bytes that have come and are not delivered lie from `start` to `end`. */
  private start = 0;
  private end = 0;
  /** The part of a buffer that a read is going into now; null before the first. */
  private lent: Uint8Array | null = null;
  private receive: (bytes: Uint8Array) => void = () => {};
  private frameBytesMax = 0;
  /** Deliver bytes as they come: during the handshake, and after a message that is too long or in too many frames. */
  private inPieces = true;

  /** Sets where data goes. With `frameBytesMax` above 0, `receive` gets whole messages; with 0, raw bytes. */
  deliverTo(receive: (bytes: Uint8Array) => void, frameBytesMax: number): void {
    this.receive = receive;
    this.frameBytesMax = frameBytesMax;
    this.inPieces = frameBytesMax === 0;
  }

  /** Where to read to next. */
  room(): Uint8Array {
    this.makeRoom(READ_BYTES_MIN);
    this.lent = this.buffer.subarray(this.end);
    return this.lent;
  }

  /**
   * This many bytes were read into the room. False if the room is full: then more bytes are waiting, and reading stops
   * so that others have a turn. `readOn` is called to go on.
   */
  filled(bytes: number, readOn: () => void): boolean {
    assert(this.lent !== null, 'bytes were read to nowhere');
    const isFull = bytes === this.lent.length;
    if (this.lent.buffer === this.buffer.buffer) this.end += bytes;
    else this.append(this.lent.subarray(0, bytes));
    this.deliver();
    if (isFull) readOn();
    return !isFull;
  }

  /** Takes bytes that were read into another buffer. A read into the lent room may be under way. */
  accept(bytes: Uint8Array): void {
    if (this.lent?.buffer === this.buffer.buffer) this.moveTo(new Uint8Array(this.buffer.length));
    this.append(bytes);
    this.deliver();
  }

  private append(bytes: Uint8Array): void {
    this.makeRoom(bytes.length);
    this.buffer.set(bytes, this.end);
    this.end += bytes.length;
  }

  /** Makes room for this many bytes behind `end`: by moving the bytes, or by a larger buffer. */
  private makeRoom(bytes: number): void {
    let { length } = this.buffer;
    if (length - this.end >= bytes) return;
    while (length < this.end - this.start + bytes) length *= 2;
    this.moveTo(length > this.buffer.length ? new Uint8Array(length) : this.buffer);
  }

  private moveTo(buffer: Uint8Array<ArrayBuffer>): void {
    buffer.set(this.buffer.subarray(this.start, this.end));
    this.buffer = buffer;
    this.end -= this.start;
    this.start = 0;
  }

  private deliver(): void {
    const whole = this.inPieces ? this.end : this.wholeMessagesEnd();
    // ws may keep the pieces of a message, so they must not be overwritten. The reader of HTTP keeps nothing.
    const mayBeKept = this.inPieces && this.frameBytesMax > 0;
    const { buffer, start } = this;
    const delivered = mayBeKept ? buffer.slice(start, whole) : buffer.subarray(start, whole);
    this.start = whole;
    if (this.start === this.end) this.start = this.end = 0;
    if (delivered.length > 0) this.receive(delivered);
  }

  /** Where the last whole message ends. */
  private wholeMessagesEnd(): number {
    let whole = this.start;
    let isOpen = false;
    let frames = 0;
    for (let at = whole; ; ) {
      const bytes = frameBytes(this.buffer, at, this.end);
      frames += 1;
      if (at + bytes - whole > this.frameBytesMax + frames * headerBytesMax || frames > limits.fragmentsMax) {
        this.inPieces = true;
        return this.end;
      }
      if (at + bytes > this.end) return whole;
      if ((this.buffer[at] & CONTROL) === 0) isOpen = (this.buffer[at] & FINAL) === 0;
      at += bytes;
      if (isOpen) continue;
      whole = at;
      frames = 0;
    }
  }
}

/**
 * Bytes of the frame that begins at `at`, with its header (RFC 6455, section 5.2). While the header is not complete,
 * the length of the longest header.
 */
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
