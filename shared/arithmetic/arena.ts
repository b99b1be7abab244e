/**
 * Lays out the regions of a memory, one after the other. A region is only an address: the caller makes the memory, of
 * at least `end` bytes.
 */
import { memoryStart } from './backend.js';
import type { Pointer } from './kernels.js';

/** A cache line: no two regions share one, so that threads do not slow each other down. */
const ALIGNMENT = 64;

export class Arena {
  private end_ = memoryStart;

  /** The first byte behind all regions so far. */
  get end(): Pointer {
    return this.end_;
  }

  floats(length: number): Pointer {
    return this.bytes(4 * length);
  }

  uint32(length: number): Pointer {
    return this.bytes(4 * length);
  }

  bytes(length: number): Pointer {
    const at = this.end_;
    this.end_ += Math.ceil(length / ALIGNMENT) * ALIGNMENT;
    return at;
  }
}
