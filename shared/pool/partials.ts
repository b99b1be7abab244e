import type { GrowableMemory } from '../arithmetic/backend.js';
import type { Pointer } from '../arithmetic/kernels.js';
import { LockstepError } from '../errors.js';
import { limits } from '../limits.js';

/**
 * How many buffers the memory grows by at first; after that, each growth doubles their number. Growing is rare because
 * an engine may collect garbage after it. Pages that were never written to cost no memory.
 */
const GROWN_MIN = 4;

/**
 * Buffers for partial sums. They lie behind a workspace in the same memory and are used again and again. The memory
 * grows when all are in use, up to a limit, and never shrinks: a run soon reaches the number that it needs.
 */
export class PartialBuffers {
  private readonly free: Pointer[] = [];
  private end: Pointer;
  private count = 0;

  /**
   * `floats` is the length of one buffer; the buffers lie from byte `base` on. There is room for `expected` at once.
   */
  constructor(
    private readonly memory: GrowableMemory,
    base: Pointer,
    readonly floats: number,
    expected = GROWN_MIN,
  ) {
    this.end = Math.ceil(base / 64) * 64;
    this.grow(expected);
  }

  /**
   * Makes room for the buffers of many steps, and writes to the first ones. Growing in the middle of a run takes tens of
   * milliseconds where the engine collects garbage then, and the first write to a buffer takes ten times as long as the
   * later ones. A model too large for these limits waits longer for its messages anyway.
   */
  prepare(): void {
    const { partialsPrepared, partialBytesPreparedMax, partialsTouched, partialBytesTouchedMax } = limits;
    this.grow(Math.min(partialsPrepared, Math.floor(partialBytesPreparedMax / this.bytes)));
    const touched = Math.min(partialsTouched, Math.floor(partialBytesTouchedMax / this.bytes));
    const buffers = Array.from({ length: touched }, () => this.acquire());
    for (const at of buffers) new Uint8Array(this.memory.buffer, at, this.bytes).fill(0);
    for (const at of buffers) this.release(at);
  }

  acquire(): Pointer {
    return this.free.pop() ?? this.makeOne();
  }

  release(buffer: Pointer): void {
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
    if (at + this.bytes > this.memory.buffer.byteLength) this.grow(Math.max(GROWN_MIN, this.count));
    this.end += this.bytes;
    this.count += 1;
    return at;
  }

  /** Of one, with what lies between it and the next. */
  private get bytes(): number {
    return Math.ceil((4 * this.floats) / 64) * 64;
  }

  /** By several buffers, or by one where there is no room for more. Throws `out-of-memory`. */
  private grow(buffers: number): void {
    const missing = this.end + buffers * this.bytes - this.memory.buffer.byteLength;
    if (missing <= 0) return;
    try {
      this.memory.grow(missing);
    } catch {
      if (buffers > 1) return this.grow(1);
      throw new LockstepError('out-of-memory', `there is no memory for another partial sum of ${this.bytes} bytes`);
    }
  }
}
