/** What a slot of a round makes of its micro-batches, against loops over gradients and updates. */
import { describe, expect, it } from 'vitest';
import { type Pointer, Write } from '../../../shared/arithmetic/kernels.js';
import { chainOf, statisticsOf } from '../../../shared/model/chain.js';
import { LocalSteps } from '../../../shared/model/local-steps.js';
import type { Model } from '../../../shared/model/model.js';
import { transposedFloats } from '../../../shared/model/network.js';
import { vectorsOf } from '../../../shared/optimizer/optimizers.js';
import type { SlotRules } from '../../../shared/optimizer/update.js';
import { Bench, bits, randomSamples, randomWeights, training } from './fixture.js';

const model: Model = {
  input: [6],
  layers: [
    { dense: 5, activation: 'tanh' },
    { batchNorm: 0.1, activation: 'relu' },
    { dense: 3, activation: 'linear' },
  ],
  loss: 'softmaxCrossEntropy',
};
const microBatch = 8;
const stored = randomSamples(model, 40, 1);
const f = Math.fround;

/** Plain SGD has the simplest definition. Its rate is a float32. */
const plain: SlotRules = { steps: 4, optimizer: { name: 'sgd', rate: f(0.05), momentum: 0 } };

class Slot {
  readonly bench = new Bench(model, stored, randomWeights(model, 2), microBatch);
  readonly floats = this.bench.partialFloats;
  readonly out = this.bench.take(4 * this.floats);
  private readonly local: LocalSteps;
  private readonly ids = this.bench.put(Uint32Array.from({ length: 40 }, (_, i) => (7 * i) % 40));

  constructor(rules: SlotRules) {
    const { bench, floats } = this;
    const { memory, network } = bench;
    const chain = chainOf(model);
    const vector = () => bench.take(4 * floats);
    const at = {
      weights: vector(),
      transposed: bench.take(4 * transposedFloats(chain)),
      vectors: vectorsOf(rules.optimizer).map(vector),
      gradient: vector(),
    };
    this.local = new LocalSteps({ memory, network, chain, statistics: statisticsOf(chain), rules, microBatch, at });
  }

  /** The difference and the score of a slot with the first `rows` samples, in the round after `round` others. */
  difference(rows: number, round = 0): Float32Array {
    this.local.difference(this.bench.from, training(this.ids, rows), round, this.out);
    return this.read(this.out);
  }

  /** The gradient and the score of one micro-batch, at the weights of the round. */
  gradient(first: number, rows: number): Float32Array {
    this.bench.network.gradient(this.bench.from, training(this.ids + 4 * first, rows), this.out, Write.store);
    return this.read(this.out);
  }

  get weights(): Float32Array {
    return this.read(this.bench.from.weights).subarray(0, this.floats - 2);
  }

  set weights(weights: Float32Array) {
    const { memory, from } = this.bench;
    new Float32Array(memory.buffer, from.weights, weights.length).set(weights);
    this.bench.transpose();
  }

  fill(x: Float32Array): void {
    new Float32Array(this.bench.memory.buffer, this.out, this.floats).set(x);
  }

  private read(at: Pointer): Float32Array {
    return this.bench.floats(at, this.floats);
  }
}

const isStatistic = (i: number) =>
  statisticsOf(chainOf(model)).some(({ offset, floats }) => i >= offset && i < offset + floats);

/** One update of plain SGD, and of the running means. */
function updated(weights: Float32Array, gradient: Float32Array, rows: number): Float32Array {
  const { rate } = plain.optimizer;
  return weights.map((w, i) => {
    const mean = f(gradient[i] / rows);
    return isStatistic(i) ? f(w + f(f(0.1) * f(mean - w))) : f(w - f(f(rate) * mean));
  });
}

describe('the difference of a slot', () => {
  it.each([8, 5, 20, 32])('is what steps over %i samples, eight at a time, take away', (rows) => {
    const actual = new Slot(plain).difference(rows);
    const by = new Slot(plain);
    const before = by.weights;
    let weights = before;
    const score = [0, 0];
    for (let first = 0; first < rows; first += microBatch) {
      const count = Math.min(microBatch, rows - first);
      by.weights = weights;
      const gradient = by.gradient(first, count);
      for (const i of [0, 1]) score[i] = f(score[i] + gradient[before.length + i]);
      weights = updated(weights, gradient, count);
    }
    const expected = Float32Array.from([...before.map((w, i) => f(w - weights[i])), ...score]);
    expect(bits(actual)).toEqual(bits(expected));
    expect(actual.subarray(0, before.length).filter((x) => x !== 0).length).toBeGreaterThan(before.length / 2);
  });

  it.each<[string, SlotRules['optimizer']]>([
    ['sgd', { name: 'sgd', rate: f(0.05), momentum: f(0.9), nesterov: true }],
    ['adam', { name: 'adam', rate: f(0.01), beta1: f(0.9), beta2: f(0.99), epsilon: f(1e-8) }],
  ])('does not depend on what the thread has computed before: %s', (_, optimizer) => {
    const slot = new Slot({ steps: 4, optimizer });
    const first = slot.difference(32);
    slot.difference(5);
    expect(bits(slot.difference(32))).toEqual(bits(first));
    expect(bits(slot.weights)).toEqual(bits(new Slot(plain).weights));
  });

  it('replaces what was in its place', () => {
    const slot = new Slot(plain);
    const difference = slot.difference(20);
    slot.fill(difference.map((_, i) => i / 3));
    expect(bits(slot.difference(20))).toEqual(bits(difference));
  });

  it('has one rate in all of its steps, which is that of the round', () => {
    const schedule = { schedule: { name: 'step', every: 1, factor: 0.5 }, epochs: 4, stepsPerEpoch: 1 } as const;
    const slot = new Slot({ ...plain, schedule });
    const halved = new Slot({ ...plain, optimizer: { ...plain.optimizer, rate: f(plain.optimizer.rate / 2) } });
    expect(bits(slot.difference(32, 0))).toEqual(bits(new Slot(plain).difference(32)));
    expect(bits(slot.difference(32, 1))).toEqual(bits(halved.difference(32)));
  });

  it('has no step that is longer than the clipping allows', () => {
    const clip = 0.01;
    const [short, long] = [new Slot({ ...plain, clip }).difference(8), new Slot(plain).difference(8)];
    const norm = (x: Float32Array) => Math.sqrt(x.reduce((sum, d, i) => sum + (isStatistic(i) ? 0 : d * d), 0));
    const weights = short.length - 2;
    expect(norm(short.subarray(0, weights))).toBeCloseTo(clip * plain.optimizer.rate, 5);
    expect(norm(long.subarray(0, weights))).toBeGreaterThan(2 * clip * plain.optimizer.rate);
  });
});
