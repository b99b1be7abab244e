/** Views of a machine's memory, and tensors on their way between the memory and the wire, part by part. */
import type { KernelMemory } from '../arithmetic/backend.js';
import type { Pointer } from '../arithmetic/kernels.js';
import { spansIn } from '../model/chain.js';
import { type Coding, withoutStatistics } from '../model/coding.js';
import { maskBytes, maskBytesOf, packPart, partAt, partsOf, unpackPart } from '../protocol/tensor.js';
import { AlignedCopier } from './copy.js';

export class Tensors {
  /** Null where the memory is not shared: a copy to it needs no care. */
  private readonly copier: AlignedCopier | null;

  constructor(
    private readonly memory: KernelMemory,
    /** Room for the mask of one part. In a run whose tensors are coded, room for the codes follows it. */
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

  /** The same as `packPart` with base 0, for a tensor of quantised numbers: the blocks that are not +0 are coded. */
  packCodes(part: number, floats: number, at: Pointer, { bits, statistics }: Coding, payload: Uint8Array): number {
    const { first, count } = partAt(part, floats);
    const { memory, mask } = this;
    const spans = spansIn(statistics, first, count);
    const from = at + 4 * first;
    const bytes = withoutStatistics(memory, spans, [from], () => {
      this.bytes(mask, maskBytes).fill(0);
      memory.kernels.changes(from, 0, count, mask);
      return maskBytes + memory.kernels.encode(from, count, bits, mask, mask + maskBytes);
    });
    payload.set(this.bytes(mask, bytes));
    let end = bytes;
    for (const { offset, floats: few } of spans) {
      payload.set(this.bytes(from + 4 * offset, 4 * few), end);
      end += 4 * few;
    }
    return end;
  }

  /**
   * Reads the payload of a coded part. `how` says whether its numbers replace those of the tensor or are subtracted from
   * them. Statistics replace others in both cases.
   */
  unpackCodes(
    part: number,
    floats: number,
    at: Pointer,
    payload: Uint8Array,
    { bits, statistics }: Coding,
    how: 'store' | 'subtract',
  ): void {
    const { first, count } = partAt(part, floats);
    const spans = spansIn(statistics, first, count);
    const from = at + 4 * first;
    let end = payload.length - 4 * spans.reduce((sum, { floats: few }) => sum + few, 0);
    this.store(payload.subarray(0, end), this.mask);
    if (how === 'store') this.bytes(from, 4 * count).fill(0);
    this.memory.kernels.decode(this.mask + maskBytes, count, bits, this.mask, from, how === 'store' ? 0 : 1);
    for (const { offset, floats: few } of spans) {
      this.store(payload.subarray(end, end + 4 * few), from + 4 * offset);
      end += 4 * few;
    }
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
