/** Gradients against central finite differences of a forward pass in float64 that shares no code with the kernels. */
import { describe, expect, it } from 'vitest';
import { Write } from '../../../shared/arithmetic/kernels.js';
import type { Samples } from '../../../shared/data/dataset.js';
import { invalidModel } from '../../../shared/model/description.js';
import type { DenseLayer, Model } from '../../../shared/model/model.js';
import { tensorSpans } from '../../../shared/model/parameters.js';
import { Bench, bits, randomSamples, randomWeights } from './fixture.js';

const activations = {
  linear: (z: number) => z,
  sigmoid: (z: number) => 1 / (1 + Math.exp(-z)),
  tanh: Math.tanh,
  relu: (z: number) => Math.max(z, 0),
};

const losses = {
  quadratic: (y: number[], label: number) => sum(y.map((v, c) => 0.5 * (v - (c === label ? 1 : 0)) ** 2)),
  sigmoidCrossEntropy: (y: number[], label: number) =>
    sum(y.map((v, c) => Math.log1p(Math.exp(-Math.abs(v))) + Math.max(v, 0) - (c === label ? v : 0))),
  softmaxCrossEntropy: (y: number[], label: number) => Math.log(sum(y.map(Math.exp))) - y[label],
};

const sum = (values: readonly number[]) => values.reduce((total, v) => total + v, 0);

/** Outputs of one sample in float64, and the smallest distance of a relu's input from its kink. */
function forward(model: Model, weights: Float64Array, pixels: Uint8Array): { y: number[]; kink: number } {
  let y = Array.from(pixels, (pixel) => pixel / 255);
  let at = 0;
  let kink = Number.POSITIVE_INFINITY;
  for (const { dense, activation } of model.layers) {
    const bias = at + y.length * dense;
    const z = Array.from(
      { length: dense },
      (_, o) => weights[bias + o] + sum(y.map((v, i) => v * weights[at + i * dense + o])),
    );
    if (activation === 'relu') kink = Math.min(kink, ...z.map(Math.abs));
    y = z.map(activations[activation]);
    at = bias + dense;
  }
  return { y, kink };
}

function outputsOf(model: Model, weights: Float64Array, samples: Samples) {
  const pixels = samples.images.length / samples.count;
  return Array.from(samples.labels, (label, r) => ({
    label,
    ...forward(model, weights, samples.images.subarray(r * pixels, (r + 1) * pixels)),
  }));
}

function lossOf(model: Model, weights: Float64Array, samples: Samples): number {
  return sum(outputsOf(model, weights, samples).map(({ y, label }) => losses[model.loss](y, label)));
}

/** (L(w + h) - L(w - h)) / 2h for each weight. */
function finiteDifferences(model: Model, weights: Float64Array, samples: Samples): Float64Array {
  const h = 1e-5;
  return weights.map((w, i) => {
    const shifted = weights.slice();
    shifted[i] = w + h;
    const above = lossOf(model, shifted, samples);
    shifted[i] = w - h;
    return (above - lossOf(model, shifted, samples)) / (2 * h);
  });
}

const norm = (values: ArrayLike<number>) => Math.sqrt(sum(Array.from(values, (v) => v * v)));

function relativeError(actual: Float32Array, expected: Float64Array): number {
  return norm(expected.map((v, i) => v - actual[i])) / norm(expected);
}

function modelOf(loss: Model['loss'], ...layers: [number, DenseLayer['activation']][]): Model {
  return { input: [3, 4], layers: layers.map(([dense, activation]) => ({ dense, activation })), loss };
}

const names = Object.keys(activations) as DenseLayer['activation'][];
const cases: [string, Model][] = [
  ...names.map((last) => [`quadratic after ${last}`, modelOf('quadratic', [6, 'tanh'], [4, last])] as [string, Model]),
  ...names.flatMap((hidden) =>
    (['sigmoidCrossEntropy', 'softmaxCrossEntropy'] as const).map(
      (loss) => [`${loss} over ${hidden}`, modelOf(loss, [7, hidden], [5, hidden], [4, 'linear'])] as [string, Model],
    ),
  ),
  ...Object.keys(losses).map(
    (loss) => [`${loss}, one layer`, modelOf(loss as Model['loss'], [4, 'linear'])] as [string, Model],
  ),
  ['five layers', modelOf('quadratic', [9, 'relu'], [8, 'sigmoid'], [7, 'linear'], [6, 'tanh'], [5, 'sigmoid'])],
];

describe('Network', () => {
  it.each(cases)('has the gradient of its loss: %s', (_, model) => {
    expect(invalidModel(model)).toBeNull();
    const samples = randomSamples(model, 6, 1);
    const weights = randomWeights(model, 2);
    const exact = Float64Array.from(weights);
    const outputs = outputsOf(model, exact, samples);
    expect(Math.min(...outputs.map(({ kink }) => kink))).toBeGreaterThan(1e-3);

    const bench = new Bench(model, samples, weights, samples.count);
    const ids = bench.put(Uint32Array.from({ length: samples.count }, (_, i) => i));
    const partial = bench.take(4 * bench.partialFloats);
    bench.network.gradient(bench.from, ids, samples.count, partial, Write.store);
    const actual = bench.floats(partial, bench.partialFloats);

    const expected = finiteDifferences(model, exact, samples);
    for (const { name, shape, offset } of tensorSpans(model)) {
      const end = offset + shape.reduce((a, b) => a * b);
      expect(norm(expected.subarray(offset, end)), `norm of ${name}`).toBeGreaterThan(1e-4);
      const error = relativeError(actual.subarray(offset, end), expected.subarray(offset, end));
      expect(error, `relative error of ${name}`).toBeLessThan(1e-5);
    }
    expect(actual.at(-2)! / lossOf(model, exact, samples)).toBeCloseTo(1, 5);
    expect(actual.at(-1)).toBe(outputs.filter(({ y, label }) => y.indexOf(Math.max(...y)) === label).length);
  });

  const [, model] = cases[5];
  const samples = randomSamples(model, 20, 3);
  const weights = randomWeights(model, 4);

  it('adds to what is there, or writes over it, with the same bits as a separate addition', () => {
    const bench = new Bench(model, samples, weights, 8);
    const { network, from, kernels, partialFloats: floats } = bench;
    const ids = bench.put(Uint32Array.of(3, 1, 4, 15, 9, 2, 6, 5, 7));
    const [a, b, sumAt] = [0, 1, 2].map(() => bench.take(4 * floats));
    new Float32Array(bench.memory.buffer, a, floats).fill(7);
    network.gradient(from, ids, 5, a, Write.store);
    network.gradient(from, ids + 20, 4, b, Write.store);
    kernels.add(a, b, sumAt, floats);
    network.gradient(from, ids + 20, 4, a, Write.accumulate);
    expect(bits(bench.floats(a, floats))).toEqual(bits(bench.floats(sumAt, floats)));
  });

  it('evaluates with the same loss and count as training, and says which class it sees', () => {
    const bench = new Bench(model, samples, weights, 8);
    const { network, from, partialFloats: floats } = bench;
    const chosen = [3, 1, 4, 15, 9];
    const ids = bench.put(Uint32Array.from(chosen));
    const partial = bench.take(4 * floats);
    const [sums, predictions] = [bench.take(8), bench.take(8)];
    network.gradient(from, ids, 5, partial, Write.store);
    network.evaluate(from, ids, 5, sums, Write.store, predictions);
    expect(bits(bench.floats(sums, 2))).toEqual(bits(bench.floats(partial, floats).subarray(-2)));
    const classes = outputsOf(model, Float64Array.from(weights), samples).map(({ y }) => y.indexOf(Math.max(...y)));
    expect([...new Uint8Array(bench.memory.buffer, predictions, 5)]).toEqual(chosen.map((id) => classes[id]));
  });

  it('does not depend on what its buffers held before', () => {
    const run = (...before: number[]) => {
      const bench = new Bench(model, samples, weights, 8);
      const { network, from, partialFloats: floats } = bench;
      const ids = bench.put(Uint32Array.of(0, 1, 2, ...before));
      const partial = bench.take(4 * floats);
      if (before.length > 0) network.gradient(from, ids + 12, before.length, partial, Write.store);
      network.gradient(from, ids, 3, partial, Write.store);
      return bits(bench.floats(partial, floats));
    };
    expect(run(9, 8, 7, 6, 5, 4)).toEqual(run());
  });
});
