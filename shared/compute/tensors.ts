/** Views of a machine's memory, and tensors on their way between the memory and the wire, part by part. */
import type { KernelMemory } from '../arithmetic/backend.js';
import type { Pointer } from '../arithmetic/kernels.js';
import { maskBytesOf, packPart, partAt, partsOf, unpackPart } from '../protocol/tensor.js';
import { AlignedCopier } from './copy.js';

export class Tensors {
  /** Null where the memory is not shared: a copy to it needs no care. */
  private readonly copier: AlignedCopier | null;

  constructor(
    private readonly memory: KernelMemory,
    /** Room for the mask of one part. */
    private readonly mask: Pointer,
  ) {
    this.copier = isShared(memory.buffer) ? new AlignedCopier() : null;
  }

  /** A view of floats. Do not keep it: the memory may grow. */
  floats(at: Pointer, length: number): Float32Array {
    return new Float32Array(this.memory.buffer, at, length);
  }

  /** A view of bytes. Do not keep it: the memory may grow. */
  bytes(at: Pointer, length: number): Uint8Array {
    return new Uint8Array(this.memory.buffer, at, length);
  }

  /** Copies bytes that came over a network to a place of the memory. */
  store(source: Uint8Array, at: Pointer): void {
    this.copyIn(source, this.bytes(at, source.length), 0);
  }

  /**
   * Writes the payload of one part of the tensor at `at`, which has `floats` floats in all, and returns its length. The
   * payload leaves out the blocks that are the same at `base`. With base 0, it leaves out the blocks of +0; with base
   * null, nothing.
   */
  packPart(part: number, floats: number, at: Pointer, base: Pointer | null, payload: Uint8Array): number {
    const { first, count } = partAt(part, floats);
    const bytes = this.bytes(at + 4 * first, 4 * count);
    if (base === null) return packPart(bytes, null, payload);
    this.memory.kernels.changes(at + 4 * first, base === 0 ? 0 : base + 4 * first, count, this.mask);
    return packPart(bytes, this.bytes(this.mask, maskBytesOf(count)), payload);
  }

  /**
   * Writes the payload of one part to the tensor at `at`, which has `floats` floats in all. `leftOut` says what the blocks
   * become that the payload leaves out: +0, or what they were.
   */
  unpackPart(part: number, floats: number, at: Pointer, payload: Uint8Array, leftOut: 'zero' | 'as it was'): void {
    const { first, count } = partAt(part, floats);
    const target = this.bytes(at + 4 * first, 4 * count);
    unpackPart(payload, count, {
      present: (from, bytes) => this.copyIn(bytes, target, 4 * from),
      absent: (from, end) => {
        if (leftOut === 'zero') target.fill(0, 4 * from, 4 * end);
      },
    });
  }

  /** Copies floats to another place of the memory. */
  copy(at: Pointer, to: Pointer, floats: number): void {
    this.bytes(to, 4 * floats).set(this.bytes(at, 4 * floats));
  }

  /** Whether two tensors of `floats` floats have the same bits. */
  isEqual(a: Pointer, b: Pointer, floats: number): boolean {
    for (let part = 0; part < partsOf(floats); part++) {
      const { first, count } = partAt(part, floats);
      this.memory.kernels.changes(a + 4 * first, b + 4 * first, count, this.mask);
      if (this.bytes(this.mask, maskBytesOf(count)).some((bits) => bits !== 0)) return false;
    }
    return true;
  }

  private copyIn(source: Uint8Array, target: Uint8Array, at: number): void {
    if (this.copier === null) target.set(source, at);
    else this.copier.copy(source, target, at);
  }
}

/** A page that is not cross-origin isolated does not even have the constructor. */
function isShared(buffer: ArrayBufferLike): boolean {
  return typeof SharedArrayBuffer === 'function' && buffer instanceof SharedArrayBuffer;
}
