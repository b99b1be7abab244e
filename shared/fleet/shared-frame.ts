import type { FrameBuffers } from '../protocol/frame-buffers.js';
import type { Parcel } from './outbox.js';

/** As `encodeFrameFrom` returns it. */
export interface BufferedFrame {
  readonly frame: Uint8Array<ArrayBuffer>;
  readonly buffer: Uint8Array<ArrayBuffer>;
}

/**
 * A frame that is made when the first of its holders needs it, and that several sockets may send; its buffer is free
 * when nobody holds it any more. Whoever makes one holds it.
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

  /** One of its holders lets go: it is made for the others now, while it still can be. */
  leave(): void {
    if (this.holders > 1) this.made ??= this.make();
    this.letGo();
  }
}
