/**
 * The known-answer test (E6): calls to every kernel, whose results are the same bytes wherever the arithmetic is right.
 * A worker runs it before its first shard. The operands are meant to tell machines apart: subnormal numbers, which some
 * processors can be told to flush to zero; zeros of both signs; the edges of exp and log; and sizes that leave a
 * remainder in the loops of every backend. No result is NaN, because the bits of a NaN differ between machines.
 *
 * The answer is a list of stages. A stage's bytes are its results, in the order below, without gaps: float32 and uint8,
 * little-endian. The hash of the answer is the SHA-256 of all stages' bytes, in order. Memory layout, records and packed
 * samples are each backend's own and are in no result.
 *
 * Stage n (from 1) draws its operands from `Random(n)` (random.ts), in the order in which they are named:
 *   numbers(count, zeros, scale)  each takes a `uint32()` d: the number is ((d >> 8) / 2^22 - 2) * 2^scale, or a zero of its
 *                                 sign if d mod 16 < zeros. Zeros and scale are 0 if they are not given.
 *   bytes(count, limit)           `uint32()` mod limit, each.
 *
 * LAYER(rows, inputs, outputs, zeros, scale, activation):
 *   draws x (rows x inputs, zeros, scale), w (inputs x outputs, 0, scale), b (outputs, 0, 2 scale), delta (rows x outputs,
 *   zeros, scale), gw0 (inputs x outputs, 0, 2 scale), gb0 (outputs, 0, 2 scale);
 *   results: y of the forward pass; gw0 + gw and gb0 + gb; gw; gb; deltaIn, which is delta carried back to x.
 * 1 layers: for zeros 0 and 11: LAYER of each of `layerSizes` (known-answer/), scale 0; the activations take turns: linear, sigmoid, tanh,
 *   relu, one for each size.
 * 2 subnormal layers: the same with each of `subnormalSizes`, scale -63, activation linear.
 * 3 first layers: for each (rows, pixels, outputs, zeros, scale) of `firstLayerCases`: draws rows + 1 images, image n with
 *   zeros[n mod its length]: a pixel takes a `uint32()` d and is 0 if d mod 16 < zeros, else d >> 24; then labels (bytes,
 *   rows + 1, 256), w, b (0, scale), delta (8, scale), gw0, gb0 (0, scale). Sample r is image `rows - r`, each pixel / 255.
 *   Results: all images; the samples' labels; y; gw0 + gw and gb0 + gb; gw; gb. Activations take turns as above; with a
 *   scale other than 0 the activation is linear.
 * 4 losses: for each of `lossKinds`, for each (rows, classes) of `lossSizes`, for scale 0 and 5: draws y (rows x classes, 4,
 *   scale), labels (bytes, rows, classes), sums0 (2); results: delta; sums0 + sums; sums; the predicted classes (bytes).
 *   Then draws y (12 x 10, zeros 14); result: the predicted classes.
 * 5 functions: `edges` are positive; `signed` is each of them followed by its negative. Results: exp, sigmoid, tanh of
 *   `signed`; log of `edges`. Then draws x (64, 0, 6), and m: 64 floats whose bits are `uint32()` mod 0x7f800000; results:
 *   exp, sigmoid, tanh of x; log of m.
 * 6 sums: for scale 0 and -126, for each of `lengths`: draws a (length, 1, scale), b (length, 1, scale); result: a + b. Then
 *   draws five vectors of 45; result: their sum along the tree (E3), node(0, 8) of five slots.
 * 7 updates: for scale 0 and -126, for momentum 0 and 0.9, for samples 17 and 128, for length 45 and 130: draws w, v (0,
 *   scale), sum (4, scale), and sets sum[i] to +0 for 16 <= i < 48; the update (E4) with rate 0.1; results: w, v.
 * 8 checks: draws x (45, 4); result: the byte 1 if all of x is finite, else 0. Then for each i of 0, 17, 44, for each of
 *   NaN, +infinity, -infinity: the same byte with x[i] replaced. Then draws x (600); results: which blocks (`changes`) of x
 *   differ from x with the lowest bit flipped at 63, 64, 300 and 599; which blocks of 600 zeros differ from +0 when number
 *   70 is -0 and number 400 is 2^-149.
 */
import { type KernelMemory, type KernelSizes, memoryStart } from './backend.js';
import type { Pointer } from './kernels.js';
import { Bench } from './known-answer/bench.js';
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
};

/** Bytes of the operands of the largest call, without what a backend's own sizes say. */
const OPERAND_BYTES = 1024 * 1024;

/** Bytes of the region that the test works in. */
export function knownAnswerBytes({ scratchFloats, packedFloats, recordBytesMax }: KernelSizes): number {
  const sizes: Size[] = [
    ...[...layerSizes, ...subnormalSizes, ...firstLayerCases.map(({ size }) => size)],
    ...lossSizes.map(([rows, classes]) => [rows, classes, classes] as const),
    [2 * edges.length, 1, 1],
  ];
  const scratch = sizes.map(([rows, inputs, outputs]) => 4 * scratchFloats(rows, inputs, outputs));
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
