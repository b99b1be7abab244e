/**
 * The bench of the known-answer test: draws the operands of a stage, places them in memory, and collects the results.
 * `known-answer.ts` says what is drawn and computed.
 */
import { assert } from '../../assert.js';
import { Random } from '../../random.js';
import type { KernelMemory, KernelSizes } from '../backend.js';
import type { Kernels, Pointer } from '../kernels.js';

/** Regions start at multiples of this. */
const ALIGNMENT = 16;

export class Bench {
  readonly kernels: Kernels;
  private random = new Random(0);
  /** The first byte behind the regions of this call. */
  private end: Pointer;
  /** The stage's results so far: the first `taken` bytes. */
  private results = new Uint8Array(2 ** 16);
  private taken = 0;

  /** The bench uses the bytes from `first` (a multiple of 16) to `limit`. */
  constructor(
    private readonly memory: KernelMemory,
    readonly sizes: KernelSizes,
    private readonly first: Pointer,
    private readonly limit: Pointer,
  ) {
    this.kernels = memory.kernels;
    this.end = first;
  }

  /** Begins a stage, whose operands follow from its number. */
  begin(stage: number): void {
    this.random = new Random(stage);
    this.taken = 0;
    this.forget();
  }

  /** Frees all regions: the next call places its operands over those of the last one. */
  forget(): void {
    this.end = this.first;
  }

  /** All results of the stage so far, one after the other without gaps. */
  collected(): Uint8Array {
    return this.results.slice(0, this.taken);
  }

  // ---- operands ----

  /**
   * Numbers from -2 to 2, times 2^scale: one draw each, whose upper 24 bits make the number. `zeros` sixteenths of
   * them are a zero of the number's sign. No number rounds as long as scale is at least -126.
   */
  numbers(length: number, zeros = 0, scale = 0): Pointer {
    const at = this.room(4 * length);
    const out = this.floatsAt(at, length);
    const factor = 2 ** scale;
    for (let i = 0; i < length; i++) {
      const drawn = this.random.uint32();
      const value = (drawn >>> 8) / 2 ** 22 - 2;
      out[i] = (drawn % 16 >= zeros ? value : value < 0 ? -0 : 0) * factor;
    }
    return at;
  }

  /** Bytes below `limit`: a draw each, modulo `limit`. */
  bytes(length: number, limit: number): Pointer {
    const at = this.room(length);
    const out = this.bytesAt(at, length);
    for (let i = 0; i < length; i++) out[i] = this.random.uint32() % limit;
    return at;
  }

  /** Pixels of images: a draw each. A pixel is the draw's upper byte, or 0 in `zeros` of sixteen cases. */
  pixels(at: Pointer, length: number, zeros: number): void {
    const out = this.bytesAt(at, length);
    for (let i = 0; i < length; i++) {
      const drawn = this.random.uint32();
      out[i] = drawn % 16 < zeros ? 0 : drawn >>> 24;
    }
  }

  /** Positive numbers of every magnitude: the bits of each are a draw modulo 0x7f800000. */
  magnitudes(length: number): Pointer {
    const at = this.room(4 * length);
    const out = this.wordsAt(at, length);
    for (let i = 0; i < length; i++) out[i] = this.random.uint32() % 0x7f80_0000;
    return at;
  }

  put(values: readonly number[]): Pointer {
    const at = this.room(4 * values.length);
    this.floatsAt(at, values.length).set(values);
    return at;
  }

  /** A copy of floats, which a kernel may change. */
  copyOf(floats: Pointer, length: number): Pointer {
    const at = this.room(4 * length);
    this.bytesAt(at, 4 * length).set(this.bytesAt(floats, 4 * length));
    return at;
  }

  /** A region that a kernel writes. */
  room(bytes: number): Pointer {
    const at = this.end;
    this.end += Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
    assert(this.end <= this.limit, 'the known-answer test needs more memory than it says');
    return at;
  }

  /** The scratch of a kernel. */
  scratch(rows: number, inputs: number, outputs: number): Pointer {
    return this.room(4 * this.sizes.scratchFloats(rows, inputs, outputs));
  }

  floatsAt(at: Pointer, length: number): Float32Array {
    return new Float32Array(this.memory.buffer, at, length);
  }

  wordsAt(at: Pointer, length: number): Uint32Array {
    return new Uint32Array(this.memory.buffer, at, length);
  }

  bytesAt(at: Pointer, length: number): Uint8Array {
    return new Uint8Array(this.memory.buffer, at, length);
  }

  // ---- results ----

  /** Appends floats to the stage's results. */
  result(floats: Pointer, length: number): void {
    this.resultBytes(floats, 4 * length);
  }

  resultBytes(at: Pointer, length: number): void {
    if (this.taken + length > this.results.length) {
      const larger = new Uint8Array(2 * (this.taken + length));
      larger.set(this.results);
      this.results = larger;
    }
    this.results.set(this.bytesAt(at, length), this.taken);
    this.taken += length;
  }
}
