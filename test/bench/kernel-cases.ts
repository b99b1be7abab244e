/**
 * The kernel calls that are timed. Their operands have the sizes and the fraction of zeros that they have in training.
 *
 * What this is not: the timing, which is in `kernels.ts`.
 */
import type { KernelBackend, KernelSizes } from '../../shared/arithmetic/backend.js';
import { type ConvSizes, positionsAlong } from '../../shared/arithmetic/conv-sizes.js';
import { Activation, type Kernels, Loss, Write } from '../../shared/arithmetic/kernels.js';
import { IMAGES, Operands, PIXELS } from './kernel-operands.js';

/** A matrix product that a library can do as well. */
export interface Product {
  /** Rows, inner size, columns. */
  readonly sizes: readonly [rows: number, inner: number, columns: number];
  /** Whether the rows or the columns of the left matrix are consecutive in memory. */
  readonly layout: 'as-is' | 'transposed';
}

export interface Measurement {
  readonly name: string;
  /** Number of operations or bytes of one run. 0 if the unit is us. */
  readonly work: number;
  readonly unit: 'GFLOP/s' | 'GB/s' | 'us';
  /** The product to compare with. Only calls that skip nothing have one. */
  readonly product?: Product | undefined;
  run(turn: number): void;
}

/** The kernels of the operands' memory. They exist after the memory is made, before the first run. */
let kernels: Kernels;
let operands: Operands;

function numbers(length: number, zeros: number) {
  return operands.numbers(length, zeros);
}

function dense(rows: number, inputs: number, outputs: number, zeros: number): Measurement[] {
  const x = numbers(rows * inputs, zeros);
  const [w, b, y] = [numbers(inputs * outputs, 0), numbers(outputs, 0), numbers(rows * outputs, 0)];
  const delta = numbers(rows * outputs, zeros);
  const [gw, gb] = [numbers(inputs * outputs, 0), numbers(outputs, 0)];
  const [wT, deltaIn] = [numbers(inputs * outputs, 0), numbers(rows * inputs, 0)];
  const { scratch } = operands;
  const label = `${rows}x${inputs}x${outputs} ${100 * zeros}% zeros`;
  const common = { work: 2 * rows * inputs * outputs, unit: 'GFLOP/s' } as const;
  const { linear, relu } = Activation;
  const product = (layout: Product['layout'], ...sizes: Product['sizes']) => {
    return zeros === 0 ? { product: { sizes, layout } } : {};
  };
  return [
    {
      ...common,
      ...product('as-is', rows, inputs, outputs),
      name: `forward ${label}`,
      run: () => kernels.denseForward(x, w, b, y, rows, inputs, outputs, relu, scratch),
    },
    {
      ...common,
      ...product('transposed', inputs, rows, outputs),
      name: `parameter gradient ${label}`,
      run: () => kernels.denseParameterGradient(x, delta, gw, gb, rows, inputs, outputs, Write.accumulate, scratch),
    },
    {
      ...common,
      ...product('as-is', rows, outputs, inputs),
      name: `input gradient ${label}`,
      run: () => kernels.denseInputGradient(delta, wT, x, deltaIn, rows, inputs, outputs, linear, scratch),
    },
  ];
}

/** Measurements of the first layer, on fetched samples. */
function input(rows: number, outputs: number): Measurement[] {
  const [w, b, y] = [numbers(PIXELS * outputs, 0), numbers(outputs, 0), numbers(rows * outputs, 0)];
  const [delta, gw, gb] = [numbers(rows * outputs, 0), numbers(PIXELS * outputs, 0), numbers(outputs, 0)];
  const at = operands.batches(rows);
  const { scratch } = operands;
  const label = `${rows}x${PIXELS}x${outputs} digits`;
  const common = { work: 2 * rows * PIXELS * outputs, unit: 'GFLOP/s' } as const;
  const { relu } = Activation;
  return [
    {
      ...common,
      name: `forward ${label}`,
      run: (turn) => kernels.inputForward(at(turn), w, b, y, rows, PIXELS, outputs, relu, scratch),
    },
    {
      ...common,
      name: `parameter gradient ${label}`,
      run: (turn) =>
        kernels.inputParameterGradient(at(turn), delta, gw, gb, rows, PIXELS, outputs, Write.accumulate, scratch),
    },
  ];
}

/** A convolution of a small network. Its inputs are digits, or what a relu leaves of the layer before. */
function convolution(rows: number, sizes: ConvSizes, zeros: number): Measurement[] {
  const { height, width, channels, kernel, stride, padding, outputs } = sizes;
  const [inputs, weights] = [rows * height * width * channels, kernel * kernel * channels * outputs];
  const positions = rows * positionsAlong(height, sizes) * positionsAlong(width, sizes);
  const [x, w, b, y] = [
    numbers(inputs, zeros),
    numbers(weights, 0),
    numbers(outputs, 0),
    numbers(positions * outputs, 0),
  ];
  // Behind the convolution is a max pooling of 2 x 2, so a quarter of the deltas is left.
  const delta = numbers(positions * outputs, 0.75);
  const [gw, gb, wT, deltaIn] = [weights, outputs, weights, inputs].map((length) => numbers(length, 0));
  const scratch = operands.convScratch(sizes);
  const all = [rows, height, width, channels, kernel, stride, padding, outputs] as const;
  const label = `${rows}x${height}x${width}x${channels}, ${outputs} of ${kernel}x${kernel}`;
  const common = { work: 2 * positions * weights, unit: 'GFLOP/s' } as const;
  const { linear, relu } = Activation;
  const measurements = [
    {
      ...common,
      name: `convolution forward ${label}`,
      run: () => kernels.convForward(x, w, b, y, ...all, linear, scratch),
    },
    {
      ...common,
      name: `convolution parameter gradient ${label}`,
      run: () => kernels.convParameterGradient(x, delta, gw, gb, ...all, Write.accumulate, scratch),
    },
    {
      ...common,
      name: `convolution input gradient ${label}`,
      run: () => kernels.convInputGradient(delta, wT, x, deltaIn, ...all, relu, scratch),
    },
  ];
  // Images of one channel are those of a first layer, whose inputs need no gradient.
  return channels === 1 ? measurements.slice(0, 2) : measurements;
}

/** A max pooling of 2 x 2. Rates count the bytes of the floats that are read and written. */
function maxPool(rows: number, height: number, width: number, channels: number): Measurement[] {
  const inputs = rows * height * width * channels;
  const [x, deltaIn] = [numbers(inputs, 0), numbers(inputs, 0)];
  const [y, delta] = [numbers(inputs / 4, 0), numbers(inputs / 4, 0)];
  // Zeros, because the gradient must not meet the number of an input outside of the window.
  const winners = numbers(inputs / 16, 1);
  const all = [rows, height, width, channels, 2, 2] as const;
  const label = `${rows}x${height}x${width}x${channels}`;
  const { linear, relu } = Activation;
  return [
    {
      name: `max pooling forward ${label}`,
      work: 4 * 1.25 * inputs,
      unit: 'GB/s',
      run: () => kernels.maxPoolForward(x, y, winners, ...all, relu),
    },
    {
      name: `max pooling input gradient ${label}`,
      work: 4 * 1.25 * inputs,
      unit: 'GB/s',
      run: () => kernels.maxPoolInputGradient(delta, winners, x, deltaIn, ...all, linear),
    },
  ];
}

/** The convolutions of the presets `cnn-small` and `lenet5`. */
const convolutions: readonly (readonly [sizes: ConvSizes, zeros: number])[] = [
  [{ height: 28, width: 28, channels: 1, kernel: 5, stride: 1, padding: 0, outputs: 24 }, 0.81],
  [{ height: 12, width: 12, channels: 24, kernel: 3, stride: 1, padding: 0, outputs: 32 }, 0.5],
  [{ height: 28, width: 28, channels: 1, kernel: 5, stride: 1, padding: 2, outputs: 6 }, 0.81],
  [{ height: 14, width: 14, channels: 6, kernel: 5, stride: 1, padding: 0, outputs: 16 }, 0.5],
];

function elementwise(): Measurement[] {
  const n = 78_400;
  const [a, b, c] = [numbers(n, 0), numbers(n, 0), numbers(n, 0)];
  const [m, v] = [numbers(n, 0), numbers(n, 1)];
  const [wide, out] = [numbers(784 * 512, 0), numbers(784 * 512, 0)];
  const packed = operands.packed(32);
  const { records, labels, ids, fetchedLabels, scratch } = operands;
  const [y, delta, sums] = [numbers(32 * 10, 0), numbers(32 * 10, 0), numbers(2, 0)];
  const { softmaxCrossEntropy } = Loss;
  return [
    { name: 'add 78400', work: 12 * n, unit: 'GB/s', run: () => kernels.add(a, b, c, n) },
    { name: 'sgd 78400', work: 20 * n, unit: 'GB/s', run: () => kernels.sgd(a, b, c, n, 32, 1e-9, 0.9, 1, 0, 0) },
    {
      name: 'adam 78400',
      work: 28 * n,
      unit: 'GB/s',
      run: () => kernels.adam(a, m, v, c, n, 32, 1, 0.9, 0.999, 1e-8, 1e-9, 1, 1),
    },
    { name: 'allFinite 78400', work: 4 * n, unit: 'GB/s', run: () => void kernels.allFinite(a, n) },
    {
      name: 'transpose 784x512',
      work: 8 * 784 * 512,
      unit: 'GB/s',
      run: () => kernels.transpose(wide, 784, 512, out),
    },
    {
      name: 'gather 32 images',
      work: 0,
      unit: 'us',
      run: () => kernels.gather(records, labels, PIXELS, ids, 32, packed, fetchedLabels),
    },
    {
      name: 'softmax cross-entropy 32x10',
      work: 0,
      unit: 'us',
      run: () =>
        kernels.outputLoss(softmaxCrossEntropy, 0, y, fetchedLabels, delta, sums, 32, 10, Write.store, scratch),
    },
  ];
}

/** Measures all kernel calls of one micro-batch, for a network of relu layers with a softmax at the end. */
function network(rows: number, widths: number[]): Measurement {
  const packed = operands.packed(rows);
  const { records, labels, ids, fetchedLabels, scratch } = operands;
  const sums = numbers(2, 0);
  const layers = widths.slice(1).map((outputs, n) => ({
    inputs: widths[n],
    outputs,
    activation: n === widths.length - 2 ? Activation.linear : Activation.relu,
    y: numbers(rows * outputs, 0),
    delta: numbers(rows * outputs, 0),
    w: numbers(widths[n] * outputs, 0),
    wT: numbers(widths[n] * outputs, 0),
    b: numbers(outputs, 0),
    gw: numbers(widths[n] * outputs, 0),
    gb: numbers(outputs, 0),
  }));
  const last = layers[layers.length - 1];
  const { softmaxCrossEntropy } = Loss;
  const run = (turn: number) => {
    const first = ids + 4 * rows * (turn % Math.floor(IMAGES / rows));
    kernels.gather(records, labels, PIXELS, first, rows, packed, fetchedLabels);
    layers.forEach(({ w, b, y, inputs, outputs, activation }, n) => {
      if (n === 0) kernels.inputForward(packed, w, b, y, rows, inputs, outputs, activation, scratch);
      else kernels.denseForward(layers[n - 1].y, w, b, y, rows, inputs, outputs, activation, scratch);
    });
    const { y, delta, outputs } = last;
    kernels.outputLoss(softmaxCrossEntropy, 0, y, fetchedLabels, delta, sums, rows, outputs, Write.accumulate, scratch);
    for (let n = layers.length - 1; n > 0; n--) {
      const { delta, wT, gw, gb, inputs, outputs } = layers[n];
      const input = layers[n - 1].y;
      kernels.denseParameterGradient(input, delta, gw, gb, rows, inputs, outputs, Write.accumulate, scratch);
      const { activation, delta: deltaIn } = layers[n - 1];
      kernels.denseInputGradient(delta, wT, input, deltaIn, rows, inputs, outputs, activation, scratch);
    }
    const { delta: deltaFirst, gw, gb, outputs: width } = layers[0];
    kernels.inputParameterGradient(packed, deltaFirst, gw, gb, rows, PIXELS, width, Write.accumulate, scratch);
  };
  return { name: `micro-batch of ${rows}, ${widths.join('-')}`, work: 0, unit: 'us', run };
}

/**
 * Makes all measurements for one backend. `sizes` are those of its regions. Import this module once for each backend
 * (`kernels.ts` does), because a module has one set of operands, and its calls are compiled for one set of kernels.
 */
export function prepare(backend: KernelBackend, sizes: KernelSizes): readonly Measurement[] {
  operands = new Operands(backend, sizes);
  const measurements = [
    ...dense(64, 784, 512, 0),
    ...dense(64, 512, 512, 0),
    ...dense(256, 512, 512, 0),
    ...dense(16, 512, 512, 0),
    ...dense(64, 512, 512, 0.5),
    ...dense(16, 512, 512, 0.5),
    ...dense(32, 128, 64, 0.5),
    ...dense(32, 100, 10, 0),
    ...dense(32, 100, 10, 0.5),
    ...dense(16, 16, 16, 0.5),
    ...[16, 32, 64].flatMap((rows) => input(rows, 100)),
    ...input(64, 512),
    ...[16, 64].flatMap((rows) => input(rows, 16)),
    ...convolutions.flatMap(([sizes, zeros]) => convolution(32, sizes, zeros)),
    ...maxPool(32, 24, 24, 24),
    ...maxPool(32, 10, 10, 32),
    ...elementwise(),
    network(16, [784, 16, 16, 10]),
    network(32, [784, 100, 10]),
    network(32, [784, 128, 64, 10]),
    network(64, [784, 512, 512, 10]),
  ];
  kernels = operands.fill();
  return measurements;
}
