import { limits } from '../limits.js';

/**
 * Buffers for large frames, used again once their frame was sent. A fresh buffer of several hundred kilobytes in each
 * step would cost more in page faults and garbage collection than filling it does.
 */
export class FrameBuffers {
  private readonly idle: Uint8Array<ArrayBuffer>[] = [];

  /** A buffer of at least this many bytes, with any contents. */
  acquire(bytes: number): Uint8Array<ArrayBuffer> {
    const at = this.idle.findIndex((buffer) => buffer.length >= bytes);
    return at < 0 ? new Uint8Array(bytes) : this.idle.splice(at, 1)[0];
  }

  /** Call this when the buffer is not read any more. */
  release(buffer: Uint8Array<ArrayBuffer>): void {
    if (this.idle.length < limits.frameBuffersIdleMax) this.idle.push(buffer);
  }
}
