import type { FrameBuffers } from '../protocol/frame-buffers.js';
import type { Parcel } from './outbox.js';

/** What `encodeFrameFrom` returns. */
export interface BufferedFrame {
  readonly frame: Uint8Array<ArrayBuffer>;
  readonly buffer: Uint8Array<ArrayBuffer>;
}

/**
 * A frame that several sockets may send. It is encoded when the first holder needs its bytes, and its buffer is
 * released when the last holder lets go. The maker is the first holder.
 */
export class SharedFrame implements Parcel {
  private holders = 1;
  private made: BufferedFrame | null = null;

  constructor(
    private readonly buffers: FrameBuffers,
    private readonly make: () => BufferedFrame,
  ) {}

  get bytes(): Uint8Array {
    this.made ??= this.make();
    return this.made.frame;
  }

  hold(): this {
    this.holders += 1;
    return this;
  }

  letGo(): void {
    this.holders -= 1;
    if (this.holders === 0 && this.made !== null) this.buffers.release(this.made.buffer);
  }

  /** Lets go, and encodes the frame for the other holders now, while that is still possible. */
  leave(): void {
    if (this.holders > 1) this.made ??= this.make();
    this.letGo();
  }
}
