/** Tests label smoothing: against its formula in float64, and that a slot's result stays a slot's result. */
import { describe, expect, it } from 'vitest';
import { Write } from '../../../shared/arithmetic/kernels.js';
import type { Samples } from '../../../shared/data/dataset.js';
import { chainOf } from '../../../shared/model/chain.js';
import type { Model } from '../../../shared/model/model.js';
import { smoothTargets } from '../../../shared/model/smoothing.js';
import { scalar } from '../arithmetic/backends.js';
import { Bench, bits, evaluating, randomSamples, randomWeights, training } from './fixture.js';
import { ExactNetwork } from './float64.js';

const smoothing = Math.fround(0.1);
const model: Model = {
  input: [3, 4],
  layers: [
    { dense: 6, activation: 'tanh' },
    { dense: 5, activation: 'linear' },
  ],
  loss: 'softmaxCrossEntropy',
};
const samples = randomSamples(model, 20, 3);
const weights = randomWeights(model, 4);

/** Cross-entropy to smoothed targets: PyTorch's CrossEntropyLoss with `label_smoothing`, summed over the samples. */
class Smoothed extends ExactNetwork {
  override loss(at: Float64Array, some: Samples): number {
    const terms = this.outputs(at, some).flatMap(({ y, label }) => {
      const logSum = Math.log(y.reduce((sum, score) => sum + Math.exp(score), 0));
      const target = (c: number) => (c === label ? 1 - smoothing : 0) + smoothing / y.length;
      return y.map((score, c) => target(c) * (logSum - score));
    });
    return terms.reduce((sum, term) => sum + term, 0);
  }
}

function benchWith(s: number): Bench {
  return new Bench(model, samples, weights, samples.count, chainOf(model), scalar, undefined, s);
}

/** The partial gradient of the samples, which replaces what is there, or is added to `before`. */
function partialOf(s: number, chosen: number[], before: Float32Array | null = null): Float32Array {
  const bench = benchWith(s);
  const ids = bench.put(Uint32Array.from(chosen));
  const partial = before === null ? bench.take(4 * bench.partialFloats) : bench.put(before);
  const write = before === null ? Write.store : Write.accumulate;
  bench.network.gradient(bench.from, training(ids, chosen.length), partial, write);
  return bench.floats(partial, bench.partialFloats);
}

const all = Array.from({ length: samples.count }, (_, id) => id);

describe('smoothed targets', () => {
  it('have the loss and the gradient of their formula', () => {
    const exact = new Smoothed(model);
    const at = Float64Array.from(weights);
    const actual = partialOf(smoothing, all);
    expect(actual.at(-2)! / exact.loss(at, samples)).toBeCloseTo(1, 6);
    for (const [i, g] of exact.gradient(at, samples).entries()) expect(actual[i]).toBeCloseTo(g, 4);
  });

  it('do not change which answers are correct', () => {
    expect(partialOf(smoothing, all).at(-1)).toBe(partialOf(0, all).at(-1));
  });

  it('are added to what is there with the bits of a separate addition', () => {
    const [a, b] = [partialOf(smoothing, [0, 1, 2, 3, 4]), partialOf(smoothing, [5, 6, 7])];
    const sum = a.map((x, i) => Math.fround(x + b[i]));
    expect(bits(partialOf(smoothing, [5, 6, 7], a))).toEqual(bits(sum));
  });

  it('are not those of an evaluation', () => {
    const scores = [0, smoothing].map((s) => {
      const bench = benchWith(s);
      const ids = bench.put(Uint32Array.from(all));
      const [sums, predictions] = [bench.take(8), bench.take(samples.count)];
      bench.network.evaluate(bench.from, evaluating(ids, samples.count), sums, Write.store, predictions);
      return bits(bench.floats(sums, 2));
    });
    expect(scores[1]).toEqual(scores[0]);
  });
});

describe('smoothTargets', () => {
  it('has the bits of E2 in COMPUTATION.md', () => {
    const f = Math.fround;
    const [p, y, delta] = [f(0.1), [0.5, -2, 3].map(f), [0.25, -0.5, 0.125].map(f)];
    const deltas = Float32Array.from(delta);
    const change = smoothTargets(p, Float32Array.from(y), Uint8Array.of(1), deltas);
    const share = f(p / 3);
    expect([...deltas]).toEqual([f(delta[0] - share), f(delta[1] + f(p - share)), f(delta[2] - share)]);
    expect(change).toBe(f(p * f(y[1] - f(f(f(y[0] + y[1]) + y[2]) / 3))));
  });

  it('of a part of 1 makes all targets equal', () => {
    const deltas = Float32Array.of(-0.75, 0.25, 0.25, 0.25);
    smoothTargets(1, new Float32Array(4), Uint8Array.of(0), deltas);
    expect([...deltas]).toEqual([0, 0, 0, 0]);
  });
});
