/**
 * A network in float64 that is computed from the formulas. It shares no code with the layers or the kernels. Its
 * gradients are central finite differences of its loss.
 */
import { expect } from 'vitest';
import { Write } from '../../../shared/arithmetic/kernels.js';
import type { Samples } from '../../../shared/data/dataset.js';
import { chainOf, statisticsOf } from '../../../shared/model/chain.js';
import { invalidModel } from '../../../shared/model/description.js';
import { kindOf } from '../../../shared/model/layers/layers.js';
import type { Model } from '../../../shared/model/model.js';
import { tensorSpans } from '../../../shared/model/parameters.js';
import { type ExactPlace, exactLayers, type Outputs, type OutputsOfAll, sum } from './exact-layers.js';
import { Bench, randomSamples, randomWeights, training } from './fixture.js';

export const losses = {
  quadratic: (y: number[], label: number) => sum(y.map((v, c) => 0.5 * (v - (c === label ? 1 : 0)) ** 2)),
  sigmoidCrossEntropy: (y: number[], label: number) =>
    sum(y.map((v, c) => Math.log1p(Math.exp(-Math.abs(v))) + Math.max(v, 0) - (c === label ? v : 0))),
  softmaxCrossEntropy: (y: number[], label: number) => Math.log(sum(y.map(Math.exp))) - y[label],
};

export class ExactNetwork {
  private readonly chain;

  constructor(private readonly model: Model) {
    this.chain = chainOf(model);
  }

  /** The outputs and the label of each sample. */
  outputs(weights: Float64Array, samples: Samples): (Outputs & { readonly label: number })[] {
    const { outputs } = this.forward(weights, samples);
    return outputs.map((of, r) => ({ label: samples.labels[r], ...of }));
  }

  loss(weights: Float64Array, samples: Samples): number {
    return sum(this.outputs(weights, samples).map(({ y, label }) => losses[this.model.loss](y, label)));
  }

  /** (L(w + h) - L(w - h)) / 2h for each weight, and the figures of the statistics. */
  gradient(weights: Float64Array, samples: Samples): Float64Array {
    const h = 1e-5;
    const gradient = weights.map((w, i) => {
      const shifted = weights.slice();
      shifted[i] = w + h;
      const above = this.loss(shifted, samples);
      shifted[i] = w - h;
      return (above - this.loss(shifted, samples)) / (2 * h);
    });
    const { statistics } = this.forward(weights, samples);
    for (const { offset, floats } of statisticsOf(this.chain)) gradient.set(statistics.splice(0, floats), offset);
    return gradient;
  }

  private forward(weights: Float64Array, { images, count }: Samples): OutputsOfAll {
    const pixels = images.length / count;
    let outputs: Outputs[] = Array.from({ length: count }, (_, r) => ({
      y: Array.from(images.subarray(r * pixels, (r + 1) * pixels), (pixel) => pixel / 255),
      kink: Number.POSITIVE_INFINITY,
    }));
    const statistics: number[] = [];
    for (const [n, { offset, parameters }] of this.chain.entries()) {
      const after = this.layer(
        n,
        weights.subarray(offset, offset + parameters),
        outputs.map(({ y }) => y),
      );
      statistics.push(...after.statistics);
      outputs = after.outputs.map(({ y, kink }, r) => ({ y, kink: Math.min(kink, outputs[r].kink) }));
    }
    return { outputs, statistics };
  }

  private layer(n: number, parameters: Float64Array, xs: readonly number[][]): OutputsOfAll {
    const description = this.model.layers[n];
    const layer = exactLayers[kindOf(description)];
    const shape = n === 0 ? this.model.input : this.chain[n - 1].layer.output;
    if ('forwardAll' in layer) return layer.forwardAll(description, parameters, xs, shape);
    const at = (sample: number): ExactPlace => ({ shape, layer: n, sample });
    return { outputs: xs.map((x, r) => layer.forward(description, parameters, x, at(r))), statistics: [] };
  }
}

/** Expects a network's gradient, loss and count of correct answers to be those of the formulas. */
export function expectExactGradient(model: Model): void {
  expect(invalidModel(model)).toBeNull();
  const samples = randomSamples(model, 6, 1);
  const weights = randomWeights(model, 2);
  const exact = new ExactNetwork(model);
  const at = Float64Array.from(weights);
  const outputs = exact.outputs(at, samples);
  expect(Math.min(...outputs.map(({ kink }) => kink))).toBeGreaterThan(1e-3);

  const bench = new Bench(model, samples, weights, samples.count);
  const ids = bench.put(Uint32Array.from({ length: samples.count }, (_, i) => i));
  const partial = bench.take(4 * bench.partialFloats);
  bench.network.gradient(bench.from, training(ids, samples.count), partial, Write.store);
  const actual = bench.floats(partial, bench.partialFloats);

  const expected = exact.gradient(at, samples);
  for (const { name, shape, offset } of tensorSpans(model)) {
    const end = offset + shape.reduce((a, b) => a * b);
    expect(norm(expected.subarray(offset, end)), `norm of ${name}`).toBeGreaterThan(1e-4);
    const error = relativeError(actual.subarray(offset, end), expected.subarray(offset, end));
    expect(error, `relative error of ${name}`).toBeLessThan(1e-5);
  }
  expect(actual.at(-2)! / exact.loss(at, samples)).toBeCloseTo(1, 5);
  expect(actual.at(-1)).toBe(outputs.filter(({ y, label }) => largest(y) === label).length);
}

/** The index of the largest value. */
export function largest(y: readonly number[]): number {
  return y.indexOf(Math.max(...y));
}

function relativeError(actual: Float32Array, expected: Float64Array): number {
  return norm(expected.map((v, i) => v - actual[i])) / norm(expected);
}

function norm(values: ArrayLike<number>): number {
  return Math.sqrt(sum(Array.from(values, (v) => v * v)));
}
