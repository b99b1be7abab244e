/**
 * The known-answer test (E6): calls to every kernel, whose results are the same bytes wherever the arithmetic is right.
 * A worker runs it before its first shard. The operands are meant to tell machines apart: subnormal numbers, which some
 * processors can be told to flush to zero; zeros of both signs; the edges of exp and log; and sizes that leave a
 * remainder in the loops of every backend. No result is NaN, because the bits of a NaN differ between machines.
 *
 * The answer is a list of stages. Section E6 of COMPUTATION.md defines each of them, in this order: a stage draws its
 * operands from the generator of its number, and its bytes are its results, one after the other. Memory layout, records,
 * packed samples and scratch are each backend's own, and are in no result.
 */
import { type KernelMemory, type KernelSizes, memoryStart } from './backend.js';
import type { Pointer } from './kernels.js';
import { Bench } from './known-answer/bench.js';
import { codes } from './known-answer/codes.js';
import { convolutionCases, convolutions, maxPools, subnormalConvolutionCases } from './known-answer/convolutions.js';
import { checks, sums, updates } from './known-answer/elementwise.js';
import { firstLayerCases, firstLayers } from './known-answer/first-layers.js';
import { layerSizes, layers, type Size, subnormalLayers, subnormalSizes } from './known-answer/layers.js';
import { edges, functions, losses, lossSizes } from './known-answer/outputs.js';

/** A part of the known answer: a mismatch in one stage says what is wrong. */
export interface Stage {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** The stages, in order: a stage's number is its place, from 1. */
const stages: Readonly<Record<string, (bench: Bench) => void>> = {
  layers,
  'subnormal layers': subnormalLayers,
  'first layers': firstLayers,
  losses,
  functions,
  sums,
  updates,
  checks,
  convolutions,
  'max pooling': maxPools,
  codes,
};

/** Bytes of the operands of the largest call, without what a backend's own sizes say. */
const OPERAND_BYTES = 1024 * 1024;

/** Bytes of the region that the test works in. */
export function knownAnswerBytes(kernelSizes: KernelSizes): number {
  const { scratchFloats, convScratchFloats, packedFloats, recordBytesMax } = kernelSizes;
  const sizes: Size[] = [
    ...[...layerSizes, ...subnormalSizes, ...firstLayerCases.map(({ size }) => size)],
    ...lossSizes.map(([rows, classes]) => [rows, classes, classes] as const),
    [2 * edges.length, 1, 1],
  ];
  const scratch = [
    ...sizes.map(([rows, inputs, outputs]) => 4 * scratchFloats(rows, inputs, outputs)),
    ...[...convolutionCases, ...subnormalConvolutionCases].map((each) => 4 * convScratchFloats(each)),
  ];
  const samples = firstLayerCases.map(
    ({ size: [rows, pixels] }) => 4 * packedFloats(rows, pixels) + (rows + 1) * (recordBytesMax(pixels) + 16),
  );
  return OPERAND_BYTES + Math.max(...scratch) + Math.max(...samples);
}

/**
 * Runs the test in the region of `knownAnswerBytes` bytes at `at`, a multiple of 16. `sizes` are those of the memory's
 * backend. Nothing outside the region is written, and what the region held does not matter.
 */
export function knownAnswer(memory: KernelMemory, sizes: KernelSizes, at: Pointer = memoryStart): Stage[] {
  const bench = new Bench(memory, sizes, at, at + knownAnswerBytes(sizes));
  return Object.entries(stages).map(([name, run], i) => {
    bench.begin(i + 1);
    run(bench);
    return { name, bytes: bench.collected() };
  });
}
