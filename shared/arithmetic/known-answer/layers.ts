/** The stages of the known-answer test that compute dense layers, forward and back. */
import { Activation, type ActivationCode, type Pointer, Write, type WriteCode } from '../kernels.js';
import type { Bench } from './bench.js';

export type Size = readonly [rows: number, inputs: number, outputs: number];

export const upTo = (last: number) => Array.from({ length: last }, (_, i) => i + 1);

/** Every width up to 66, every number of rows and of inputs up to 18; then sizes that need several blocks or packs. */
export const layerSizes: readonly Size[] = [
  ...upTo(66).map((outputs) => [3, 5, outputs] as const),
  ...upTo(18).map((rows) => [rows, 9, 10] as const),
  ...upTo(18).map((inputs) => [5, inputs, 6] as const),
  ...([
    [130, 70, 9],
    [70, 133, 20],
    [17, 133, 130],
    [3, 300, 6],
    [260, 6, 9],
    [2, 3, 1030],
    [2, 1030, 3],
  ] as const),
];

export const subnormalSizes: readonly Size[] = [
  [3, 9, 2],
  [5, 17, 13],
  [9, 6, 53],
  [17, 140, 21],
];

/** The order in which they take turns. */
export const activations: readonly ActivationCode[] = [
  Activation.linear,
  Activation.sigmoid,
  Activation.tanh,
  Activation.relu,
];

export function layers(bench: Bench): void {
  for (const zeros of [0, 11]) {
    for (const [i, size] of layerSizes.entries()) layer(bench, size, zeros, 0, activations[i % activations.length]);
  }
}

export function subnormalLayers(bench: Bench): void {
  for (const zeros of [0, 11]) for (const size of subnormalSizes) layer(bench, size, zeros, -63, Activation.linear);
}

function layer(bench: Bench, size: Size, zeros: number, scale: number, activation: ActivationCode): void {
  const { kernels } = bench;
  const [rows, inputs, outputs] = size;
  bench.forget();
  const x = bench.numbers(rows * inputs, zeros, scale);
  const w = bench.numbers(inputs * outputs, 0, scale);
  const b = bench.numbers(outputs, 0, 2 * scale);
  const delta = bench.numbers(rows * outputs, zeros, scale);
  const [y, wT, deltaIn] = [rows * outputs, inputs * outputs, rows * inputs].map((floats) => bench.room(4 * floats));
  const scratch = bench.scratch(...size);
  kernels.denseForward(x, w, b, y, rows, inputs, outputs, activation, scratch);
  bench.result(y, rows * outputs);
  gradients(bench, size, 2 * scale, (gw, gb, write) =>
    kernels.denseParameterGradient(x, delta, gw, gb, rows, inputs, outputs, write, scratch),
  );
  kernels.transpose(w, inputs, outputs, wT);
  kernels.denseInputGradient(delta, wT, x, deltaIn, rows, inputs, outputs, activation, scratch);
  bench.result(deltaIn, rows * inputs);
}

/** Both ways to write a parameter gradient: added to numbers that are drawn here, then over them. */
export function gradients(
  bench: Bench,
  [, inputs, outputs]: Size,
  scale: number,
  compute: (gw: Pointer, gb: Pointer, write: WriteCode) => void,
): void {
  const gw = bench.numbers(inputs * outputs, 0, scale);
  const gb = bench.numbers(outputs, 0, scale);
  for (const write of [Write.accumulate, Write.store]) {
    compute(gw, gb, write);
    bench.result(gw, inputs * outputs);
    bench.result(gb, outputs);
  }
}
