import { limits } from '../limits.js';

/**
 * Buffers for large frames, used again once they were sent. A fresh one for each step, of several hundred kilobytes,
 * costs more in page faults and garbage collection than filling it does.
 */
export class FrameBuffers {
  private readonly idle: Uint8Array<ArrayBuffer>[] = [];

  /** A buffer of at least so many bytes; its contents are whatever they were. */
  take(bytes: number): Uint8Array<ArrayBuffer> {
    const at = this.idle.findIndex((buffer) => buffer.length >= bytes);
    return at < 0 ? new Uint8Array(bytes) : this.idle.splice(at, 1)[0];
  }

  /** Nobody reads it any more. */
  giveBack(buffer: Uint8Array<ArrayBuffer>): void {
    if (this.idle.length < limits.frameBuffersIdleMax) this.idle.push(buffer);
  }
}
