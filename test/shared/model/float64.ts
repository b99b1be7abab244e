/**
 * A network in float64 that is computed from the formulas. It shares no code with the layers or the kernels. Its
 * gradients are central finite differences of its loss.
 */
import { expect } from 'vitest';
import { Write } from '../../../shared/arithmetic/kernels.js';
import type { Samples } from '../../../shared/data/dataset.js';
import { chainOf } from '../../../shared/model/chain.js';
import { invalidModel } from '../../../shared/model/description.js';
import type { DenseDescription } from '../../../shared/model/layers/dense.js';
import { kindOf, type LayerDescription } from '../../../shared/model/layers/layers.js';
import type { Model } from '../../../shared/model/model.js';
import { tensorSpans } from '../../../shared/model/parameters.js';
import { Bench, randomSamples, randomWeights, training } from './fixture.js';

/** The output of a layer for one sample. `kink` is the smallest distance to a point without a derivative. */
export interface Outputs {
  readonly y: number[];
  readonly kink: number;
}

/** One kind of layer in float64. */
export interface ExactLayer {
  forward(description: LayerDescription, parameters: Float64Array, x: readonly number[]): Outputs;
}

/** The kinds of layers by their names. */
export type ExactLayers = Readonly<Record<string, ExactLayer>>;

export const activations = {
  linear: (z: number) => z,
  sigmoid: (z: number) => 1 / (1 + Math.exp(-z)),
  tanh: Math.tanh,
  relu: (z: number) => Math.max(z, 0),
};

export const losses = {
  quadratic: (y: number[], label: number) => sum(y.map((v, c) => 0.5 * (v - (c === label ? 1 : 0)) ** 2)),
  sigmoidCrossEntropy: (y: number[], label: number) =>
    sum(y.map((v, c) => Math.log1p(Math.exp(-Math.abs(v))) + Math.max(v, 0) - (c === label ? v : 0))),
  softmaxCrossEntropy: (y: number[], label: number) => Math.log(sum(y.map(Math.exp))) - y[label],
};

const exactLayers: ExactLayers = {
  dense: {
    forward({ dense, activation }: DenseDescription, parameters, x) {
      const bias = x.length * dense;
      const z = Array.from(
        { length: dense },
        (_, o) => parameters[bias + o] + sum(x.map((v, i) => v * parameters[i * dense + o])),
      );
      const kink = activation === 'relu' ? Math.min(...z.map(Math.abs)) : Number.POSITIVE_INFINITY;
      return { y: z.map(activations[activation]), kink };
    },
  },
};

/** Computes a model. Its layers are dense, or of the kinds in `more`. */
export class ExactNetwork {
  private readonly chain;
  private readonly layers: ExactLayers;

  constructor(
    private readonly model: Model,
    more: ExactLayers = {},
  ) {
    this.chain = chainOf(model);
    this.layers = { ...exactLayers, ...more };
  }

  /** The outputs and the label of each sample. */
  outputs(weights: Float64Array, samples: Samples): (Outputs & { readonly label: number })[] {
    const pixels = samples.images.length / samples.count;
    return Array.from(samples.labels, (label, r) => ({
      label,
      ...this.forward(weights, samples.images.subarray(r * pixels, (r + 1) * pixels)),
    }));
  }

  loss(weights: Float64Array, samples: Samples): number {
    return sum(this.outputs(weights, samples).map(({ y, label }) => losses[this.model.loss](y, label)));
  }

  /** (L(w + h) - L(w - h)) / 2h for each weight. */
  gradient(weights: Float64Array, samples: Samples): Float64Array {
    const h = 1e-5;
    return weights.map((w, i) => {
      const shifted = weights.slice();
      shifted[i] = w + h;
      const above = this.loss(shifted, samples);
      shifted[i] = w - h;
      return (above - this.loss(shifted, samples)) / (2 * h);
    });
  }

  private forward(weights: Float64Array, pixels: Uint8Array): Outputs {
    let y = Array.from(pixels, (pixel) => pixel / 255);
    let kink = Number.POSITIVE_INFINITY;
    for (const [n, { offset, parameters }] of this.chain.entries()) {
      const description = this.model.layers[n];
      const own = weights.subarray(offset, offset + parameters);
      const outputs = this.layers[kindOf(description)].forward(description, own, y);
      y = outputs.y;
      kink = Math.min(kink, outputs.kink);
    }
    return { y, kink };
  }
}

/** Expects a network's gradient, loss and count of correct answers to be those of the formulas. */
export function expectExactGradient(model: Model, more: ExactLayers = {}): void {
  expect(invalidModel(model)).toBeNull();
  const samples = randomSamples(model, 6, 1);
  const weights = randomWeights(model, 2);
  const exact = new ExactNetwork(model, more);
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

function sum(values: readonly number[]): number {
  return values.reduce((total, v) => total + v, 0);
}
