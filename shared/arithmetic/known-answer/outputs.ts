/** The stages of the known-answer test that compute losses, and the functions that they and the activations use. */
import {
  Activation,
  type ActivationCode,
  Loss,
  type LossCode,
  type Pointer,
  Write,
  type WriteCode,
} from '../kernels.js';
import type { Bench } from './bench.js';
import { activations } from './layers.js';

const lossKinds: readonly (readonly [LossCode, ActivationCode])[] = [
  ...activations.map((activation) => [Loss.quadratic, activation] as const),
  [Loss.sigmoidCrossEntropy, Activation.linear],
  [Loss.softmaxCrossEntropy, Activation.linear],
];

export const lossSizes = [
  [1, 1],
  [2, 3],
  [3, 10],
  [7, 11],
  [16, 10],
  [5, 256],
] as const;

/** Where the branches of exp, log, sigmoid and tanh begin and end, and subnormal numbers. Decimals round to float32. */
export const edges = [
  ...[0, 2 ** -149, 1e-40, 2 ** -126, 1e-8, 1e-4, 0.3465735, 0.5, 0.62499994, 0.625, 0.7, 0.70710677, 0.71, 0.99999994],
  ...[1, 1.0000001, 1.5, 8.9, 9.1, 16.5, 17.4, 44.5, 87.3, 87.4, 88.72283, 88.72284, 88.73, 95.5, 103.9, 103.98, 104],
  ...[1000, 3.4028235e38],
];

export function losses(bench: Bench): void {
  for (const [loss, activation] of lossKinds) {
    for (const [rows, classes] of lossSizes) {
      for (const scale of [0, 5]) lossOf(bench, loss, activation, rows, classes, scale);
    }
  }
  bench.forget();
  predictions(bench, bench.numbers(12 * 10, 14), 12, 10);
}

function lossOf(
  bench: Bench,
  loss: LossCode,
  activation: ActivationCode,
  rows: number,
  classes: number,
  scale: number,
): void {
  bench.forget();
  const y = bench.numbers(rows * classes, 4, scale);
  const labels = bench.bytes(rows, classes);
  const sums = bench.numbers(2);
  const delta = bench.room(4 * rows * classes);
  const scratch = bench.scratch(rows, classes, classes);
  const compute = (write: WriteCode) =>
    bench.kernels.outputLoss(loss, activation, y, labels, delta, sums, rows, classes, write, scratch);
  compute(Write.accumulate);
  bench.result(delta, rows * classes);
  bench.result(sums, 2);
  compute(Write.store);
  bench.result(sums, 2);
  predictions(bench, y, rows, classes);
}

function predictions(bench: Bench, y: Pointer, rows: number, classes: number): void {
  const predicted = bench.room(rows);
  bench.kernels.argmax(y, predicted, rows, classes);
  bench.resultBytes(predicted, rows);
}

export function functions(bench: Bench): void {
  const signed = edges.flatMap((x) => [x, -x]);
  bench.forget();
  exponentials(bench, bench.put(signed), signed.length);
  logarithms(bench, bench.put(edges), edges.length);
  bench.forget();
  exponentials(bench, bench.numbers(64, 0, 6), 64);
  logarithms(bench, bench.magnitudes(64), 64);
}

/** Sigmoid and tanh are those of a layer whose weight is 1 and whose bias is 0. */
function exponentials(bench: Bench, x: Pointer, length: number): void {
  const { kernels } = bench;
  const [w, b, y] = [bench.put([1]), bench.put([0]), bench.room(4 * length)];
  const scratch = bench.scratch(length, 1, 1);
  kernels.exp(x, y, length);
  bench.result(y, length);
  for (const activation of [Activation.sigmoid, Activation.tanh]) {
    kernels.denseForward(x, w, b, y, length, 1, 1, activation, scratch);
    bench.result(y, length);
  }
}

function logarithms(bench: Bench, x: Pointer, length: number): void {
  const y = bench.room(4 * length);
  bench.kernels.log(x, y, length);
  bench.result(y, length);
}
