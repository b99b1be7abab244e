/** The stages of the known-answer test that compute convolutions and max pooling, forward and back. */
import { type ConvSizes, positionsAlong } from '../conv-sizes.js';
import { Activation, type ActivationCode, Write } from '../kernels.js';
import type { Bench } from './bench.js';
import { activations, upTo } from './layers.js';

export interface ConvolutionCase extends ConvSizes {
  readonly rows: number;
}

export interface PoolCase {
  readonly rows: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly size: number;
  readonly stride: number;
}

function convolution(
  rows: number,
  [height, width, channels]: readonly [number, number, number],
  outputs: number,
  [kernel, stride = 1, padding = 0]: readonly [number, number?, number?],
): ConvolutionCase {
  return { rows, height, width, channels, outputs, kernel, stride, padding };
}

/** Every number of outputs and of channels up to 36, every pair of small geometries, and sizes of real layers. */
export const convolutionCases: readonly ConvolutionCase[] = [
  ...upTo(36).map((n) => convolution(1, [4, 5, 2], n, [2])),
  ...upTo(36).map((n) => convolution(1, [3, 4, n], 6, [2, 1, 1])),
  ...[1, 3, 5].flatMap((kernel) =>
    [1, 2, 3].flatMap((stride) => [0, 1, 2].map((padding) => convolution(2, [7, 6, 3], 7, [kernel, stride, padding]))),
  ),
  convolution(3, [6, 6, 3], 8, [6]),
  convolution(1, [2, 2, 2], 3, [3, 2, 4]),
  convolution(2, [28, 28, 1], 24, [5]),
  convolution(2, [12, 12, 24], 32, [3]),
  convolution(1, [3, 140, 2], 7, [3]),
  convolution(2, [3, 3, 140], 5, [2]),
  convolution(2, [3, 4, 2], 150, [2]),
];

export const subnormalConvolutionCases: readonly ConvolutionCase[] = [
  convolution(2, [5, 6, 3], 7, [3, 1, 1]),
  convolution(1, [6, 7, 2], 24, [3, 2]),
];

export const poolCases: readonly PoolCase[] = [
  ...upTo(36).map((channels) => ({ rows: 1, height: 4, width: 5, channels, size: 2, stride: 2 })),
  ...[
    [2, 5, 7, 3, 2, 1],
    [2, 7, 8, 18, 3, 2],
    [1, 5, 5, 4, 2, 3],
    [1, 16, 17, 2, 16, 1],
    [3, 3, 3, 5, 1, 1],
    [2, 24, 24, 24, 2, 2],
  ].map(([rows, height, width, channels, size, stride]) => ({ rows, height, width, channels, size, stride })),
];

export function convolutions(bench: Bench): void {
  for (const zeros of [0, 11]) {
    for (const [i, each] of convolutionCases.entries()) {
      convolutionOf(bench, each, zeros, 0, activations[i % activations.length]);
    }
  }
  for (const zeros of [0, 11]) {
    for (const each of subnormalConvolutionCases) convolutionOf(bench, each, zeros, -63, Activation.linear);
  }
}

/** Floats of the operands of a convolution. */
export function convolutionFloats(each: ConvolutionCase) {
  const { rows, height, width, channels, kernel, outputs } = each;
  return {
    inputs: rows * height * width * channels,
    results: rows * positionsAlong(height, each) * positionsAlong(width, each) * outputs,
    weights: kernel * kernel * channels * outputs,
  };
}

function convolutionOf(
  bench: Bench,
  each: ConvolutionCase,
  zeros: number,
  scale: number,
  activation: ActivationCode,
): void {
  const { kernels } = bench;
  const { rows, height, width, channels, kernel, stride, padding, outputs } = each;
  const { inputs, results, weights } = convolutionFloats(each);
  const sizes = [rows, height, width, channels, kernel, stride, padding, outputs] as const;
  bench.forget();
  const x = bench.numbers(inputs, zeros, scale);
  const w = bench.numbers(weights, 0, scale);
  const b = bench.numbers(outputs, 0, 2 * scale);
  const delta = bench.numbers(results, zeros, scale);
  const gw = bench.numbers(weights, 0, 2 * scale);
  const gb = bench.numbers(outputs, 0, 2 * scale);
  const [y, wT, deltaIn] = [results, weights, inputs].map((floats) => bench.room(4 * floats));
  const scratch = bench.room(4 * bench.sizes.convScratchFloats(each));
  kernels.convForward(x, w, b, y, ...sizes, activation, scratch);
  bench.result(y, results);
  for (const write of [Write.accumulate, Write.store]) {
    kernels.convParameterGradient(x, delta, gw, gb, ...sizes, write, scratch);
    bench.result(gw, weights);
    bench.result(gb, outputs);
  }
  const bytes = (4 * weights) / kernel;
  for (let ky = 0; ky < kernel; ky++) kernels.transpose(w + ky * bytes, kernel * channels, outputs, wT + ky * bytes);
  kernels.convInputGradient(delta, wT, x, deltaIn, ...sizes, activation, scratch);
  bench.result(deltaIn, inputs);
}

/** Floats of the inputs and of the outputs of a pooling layer. */
export function poolFloats({ rows, height, width, channels, size, stride }: PoolCase) {
  const positions = (extent: number) => positionsAlong(extent, { kernel: size, stride, padding: 0 });
  return { inputs: rows * height * width * channels, results: rows * positions(height) * positions(width) * channels };
}

export function maxPools(bench: Bench): void {
  for (const zeros of [0, 11]) {
    for (const [i, each] of poolCases.entries()) {
      maxPoolOf(bench, each, zeros, activations[i % activations.length]);
    }
  }
}

function maxPoolOf(bench: Bench, each: PoolCase, zeros: number, activation: ActivationCode): void {
  const { kernels } = bench;
  const { rows, height, width, channels, size, stride } = each;
  const { inputs, results } = poolFloats(each);
  const sizes = [rows, height, width, channels, size, stride] as const;
  bench.forget();
  const x = bench.numbers(inputs, zeros);
  const delta = bench.numbers(results, zeros);
  const [y, winners, deltaIn] = [4 * results, results, 4 * inputs].map((length) => bench.room(length));
  kernels.maxPoolForward(x, y, winners, ...sizes, activation);
  bench.result(y, results);
  bench.resultBytes(winners, results);
  kernels.maxPoolInputGradient(delta, winners, x, deltaIn, ...sizes, activation);
  bench.result(deltaIn, inputs);
}
