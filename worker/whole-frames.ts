/**
 * Hands a WebSocket's bytes to ws in whole frames. By itself, ws puts each frame that came in several pieces together
 * in a buffer of its own; with frames of some 64 kB, that is as much garbage as there is traffic, and its collection
 * took a tenth of a step. Here, frames are put together in one buffer, used again and again.
 *
 * What this is not: a check of frames. It reads how long they are; ws does all the rest.
 */
import { connect, type NetConnectOpts, type OnReadOpts, Socket, type SocketConstructorOpts } from 'node:net';
import type { Duplex } from 'node:stream';

/** Bytes that one read from a socket brings at most. */
const READ_BYTES = 65_536;
/** Of the header of a frame: two bytes, eight for a length, four for a mask. */
const headerBytesMax = 14;

/** To be called when ws listens to `socket`, before anything arrives. A message holds until its listener returns. */
export function deliverWholeFrames(socket: Duplex, frameBytesMax: number): void {
  const [receive] = socket.listeners('data');
  const frames = new WholeFrames(frameBytesMax, (bytes) => receive.call(socket, bytes));
  socket.off('data', receive as (bytes: Buffer) => void);
  socket.on('data', (bytes: Buffer) => frames.take(bytes));
}

/** Opens a socket that reads into one buffer, used again and again: what it brings is taken at once, or not read. */
export function connectReusing(options: NetConnectOpts): Socket {
  // As ws connects: its `path` is that of the address, not that of a local socket.
  return reusing((onread) => connect({ ...options, path: undefined, onread } as NetConnectOpts));
}

/**
 * The same for a socket that a server has accepted. Node has the option for sockets that connect only, so this one is
 * replaced by another one over its handle, which is not part of Node's interface: where there is none, it stays.
 */
export function acceptReusing(accepted: Socket): Socket {
  const owner = accepted as { _handle?: { reading: boolean; readStop(): number } | null };
  const handle = owner._handle;
  if (typeof handle?.readStop !== 'function') return accepted;
  handle.readStop();
  handle.reading = false;
  owner._handle = null;
  accepted.setTimeout(0);
  const socket = reusing((onread) => new Socket({ handle, onread } as SocketConstructorOpts));
  // Until then the server counts it among its connections.
  socket.once('close', () => accepted.destroy());
  return socket;
}

function reusing(open: (onread: OnReadOpts) => Socket): Socket {
  const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
  const socket: Socket = open({ buffer, callback: (bytes) => socket.push(buffer.subarray(0, bytes)) });
  return socket;
}

export class WholeFrames {
  private buffer = Buffer.allocUnsafe(4 * READ_BYTES);
  /** What has come and was not delivered lies from `start` to `end`; `wanted` bytes of it are the next frame. */
  private start = 0;
  private end = 0;
  /** Frames are delivered as they come: ws will close the connection over one that is too long. */
  private gaveUp = false;

  constructor(
    /** Longest payload that is put together. */
    private readonly frameBytesMax: number,
    private readonly deliver: (bytes: Buffer) => void,
  ) {}

  take(bytes: Buffer): void {
    if (this.gaveUp) return this.deliver(bytes);
    this.append(bytes);
    const whole = this.wholeFramesEnd();
    const delivered = this.buffer.subarray(this.start, whole);
    this.start = whole;
    if (delivered.length > 0) this.deliver(delivered);
  }

  private append(bytes: Buffer): void {
    if (this.end + bytes.length > this.buffer.length) this.makeRoom(bytes.length);
    this.buffer.set(bytes, this.end);
    this.end += bytes.length;
  }

  private makeRoom(bytes: number): void {
    const waiting = this.end - this.start;
    const { buffer } = this;
    if (waiting + bytes > buffer.length) this.buffer = Buffer.allocUnsafe(2 * (waiting + bytes));
    buffer.copy(this.buffer, 0, this.start, this.end);
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
function frameBytes(buffer: Buffer, at: number, end: number): number {
  if (end - at < 2) return headerBytesMax;
  const second = buffer[at + 1];
  const masked = second >> 7 === 1 ? 4 : 0;
  const length = second & 0x7f;
  if (length < 126) return 2 + masked + length;
  if (end - at < headerBytesMax) return headerBytesMax;
  if (length === 126) return 4 + masked + buffer.readUInt16BE(at + 2);
  return 10 + masked + Number(buffer.readBigUInt64BE(at + 2));
}
