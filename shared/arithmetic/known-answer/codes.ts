/** The stage of the known-answer test for coded numbers. */
import { type CodeBits, changeBlockFloats, codedBlockBytes, type Pointer } from '../kernels.js';
import type { Bench } from './bench.js';

export const codeLengths = [1, 2, 3, 4, 5, 15, 16, 17, 63, 64, 65, 130, 200];
const scales = [0, -126, 125];
export const codeBits: readonly CodeBits[] = [4, 8, 16];
/** Scales of the numbers, for each number of bits. */
export const codeScales = scales.length;

export function codes(bench: Bench): void {
  for (const bits of codeBits) {
    for (const scale of scales) for (const length of codeLengths) codesOf(bench, bits, scale, length);
  }
}

/** Bytes of the codes of all blocks of a vector. */
export function codedBytes(length: number, bits: CodeBits): number {
  const rest = length % changeBlockFloats;
  const whole = Math.floor(length / changeBlockFloats) * codedBlockBytes(changeBlockFloats, bits);
  return rest === 0 ? whole : whole + codedBlockBytes(rest, bits);
}

function codesOf(bench: Bench, bits: CodeBits, scale: number, length: number): void {
  bench.forget();
  const { kernels } = bench;
  const x = bench.numbers(length, 2, scale);
  const y = bench.numbers(length, 2, scale);
  const residual = bench.numbers(length, 2, Math.max(scale - 4, -126));
  const mask = everyBlock(bench, length);
  const out = bench.room(codedBytes(length, bits));
  bench.resultBytes(out, kernels.encode(x, length, bits, mask, out));
  const less = bench.copyOf(y, length);
  kernels.decode(out, length, bits, mask, less, 1);
  bench.result(less, length);
  const near = bench.copyOf(x, length);
  kernels.quantise(near, length, bits);
  bench.result(near, length);
  kernels.settle(y, x, residual, length, bits);
  for (const vector of [y, x, residual]) bench.result(vector, length);
}

function everyBlock(bench: Bench, length: number): Pointer {
  const bytes = Math.ceil(length / changeBlockFloats / 8);
  const mask = bench.room(bytes);
  bench.bytesAt(mask, bytes).fill(255);
  return mask;
}
