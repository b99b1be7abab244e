import { LockstepError } from '../errors.js';
import type { Pointer } from '../kernels/kernels.js';
import { limits } from '../limits.js';

/** The part of WebAssembly.Memory that is needed here. */
export interface GrowableMemory {
  readonly buffer: ArrayBufferLike;
  grow(pages: number): number;
}

const PAGE_BYTES = 65_536;

/**
 * Buffers for partial sums, behind a workspace in the same memory: taken, given back, taken again. The memory grows
 * when there are not enough, up to a limit, and never shrinks: a run soon reaches the number that it needs.
 */
export class PartialBuffers {
  private readonly free: Pointer[] = [];
  private end: Pointer;
  private count = 0;

  /** `floats` is the length of one buffer; the buffers lie from byte `base` on. */
  constructor(
    private readonly memory: GrowableMemory,
    base: Pointer,
    readonly floats: number,
  ) {
    this.end = Math.ceil(base / 64) * 64;
  }

  take(): Pointer {
    return this.free.pop() ?? this.makeOne();
  }

  giveBack(buffer: Pointer): void {
    this.free.push(buffer);
  }

  /** Buffers in use: what a leak would make grow. */
  get inUse(): number {
    return this.count - this.free.length;
  }

  private makeOne(): Pointer {
    if (this.count === limits.partialBuffersMax) {
      throw new LockstepError('out-of-memory', `more than ${limits.partialBuffersMax} partial sums are under way`);
    }
    const at = this.end;
    this.end = Math.ceil((at + 4 * this.floats) / 64) * 64;
    const missing = this.end - this.memory.buffer.byteLength;
    if (missing > 0) this.memory.grow(Math.ceil(missing / PAGE_BYTES));
    this.count += 1;
    return at;
  }
}
