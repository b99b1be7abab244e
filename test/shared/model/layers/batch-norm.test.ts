import { describe, expect, it } from 'vitest';
import { Write } from '../../../../shared/arithmetic/kernels.js';
import { SampleOrder } from '../../../../shared/data/order.js';
import { Classifier } from '../../../../shared/model/classifier.js';
import { invalidModel } from '../../../../shared/model/description.js';
import { initialWeights } from '../../../../shared/model/initialise.js';
import { elements, type Shape } from '../../../../shared/model/layers/layer.js';
import type { Model } from '../../../../shared/model/model.js';
import { tensorSpans } from '../../../../shared/model/parameters.js';
import { type ReferenceRun, referenceTrain } from '../../../../shared/reference.js';
import { scalar } from '../../arithmetic/backends.js';
import { Bench, bits, evaluating, randomSamples, randomWeights } from '../fixture.js';
import { expectExactGradient } from '../float64.js';
import { numbers, passThrough } from './fixture.js';

const f = Math.fround;
const layer = { batchNorm: 0.001 } as const;
const epsilon = f(0.001);

/** The values of one channel, sample by sample and position by position. */
function channel(values: Float32Array, c: number, channels: number): Float32Array {
  return values.filter((_, i) => i % channels === c);
}

function sumOf(values: Iterable<number>): number {
  let sum = 0;
  for (const value of values) sum = f(sum + value);
  return sum;
}

/** What the formulas give for one channel of a micro-batch. */
function formulas(x: Float32Array, delta: Float32Array, scale: number, shift: number) {
  const mean = f(sumOf(x) / x.length);
  const variance = f(sumOf(x.map((v) => f(f(v - mean) * f(v - mean)))) / x.length);
  const deviation = f(Math.sqrt(f(variance + epsilon)));
  const n = x.map((v) => f(v - mean) / deviation);
  const [scaleSum, shiftSum] = [sumOf(delta.map((d, i) => d * n[i])), sumOf(delta)];
  const [slope, offset, factor] = [f(scaleSum / x.length), f(shiftSum / x.length), f(scale / deviation)];
  const deltaIn = delta.map((d, i) => factor * f(f(d - offset) - f(n[i] * slope)));
  return { mean, variance, scaleSum, shiftSum, deltaIn, y: n.map((v) => f(v * scale) + shift) };
}

/** Scale, shift, mean and variance of each channel. The variances are positive. */
function parametersFor(channels: number): Float32Array {
  return numbers(4 * channels, 5).map((v, j) => (j < 3 * channels ? v : Math.abs(v) + 0.5));
}

describe('batchNorm', () => {
  const cases: [number, Shape, number][] = [
    [5, [7], 7],
    [4, [3, 4], 1],
    [3, [4, 2, 6], 6],
    [1, [5, 5, 2], 2],
    [1, [3], 3],
  ];
  it.each(cases)('has the bits of its formulas: %i samples of %j', (rows, input, channels) => {
    const [x, delta] = [numbers(rows * elements(input), 1), numbers(rows * elements(input), 2)];
    const parameters = parametersFor(channels);
    const before = numbers(4 * channels, 3);
    const stored = passThrough(layer, input, x, { parameters, delta });
    const added = passThrough(layer, input, x, { parameters, delta, before });
    for (let c = 0; c < channels; c++) {
      const of = (values: Float32Array) => bits(channel(values, c, channels));
      const expected = formulas(
        channel(x, c, channels),
        channel(delta, c, channels),
        parameters[c],
        parameters[channels + c],
      );
      const { mean, variance, scaleSum, shiftSum } = expected;
      expect(of(stored.y)).toEqual(bits(expected.y));
      expect(of(stored.deltaIn)).toEqual(bits(expected.deltaIn));
      const figures = Float32Array.of(scaleSum, shiftSum, mean * rows, variance * rows);
      expect(of(stored.gradient)).toEqual(bits(figures));
      expect(of(added.gradient)).toEqual(bits(figures.map((v, k) => before[k * channels + c] + v)));
    }
    expect(bits(added.y)).toEqual(bits(stored.y));
  });

  it('uses the running means in an evaluation', () => {
    const [rows, channels] = [3, 4];
    const [x, parameters] = [numbers(rows * channels, 1), parametersFor(channels)];
    const { y } = passThrough(layer, [channels], x, { parameters, moment: null });
    const expected = x.map((v, i) => {
      const [scale, shift, mean, variance] = channel(parameters, i % channels, channels);
      return f(f(f(v - mean) / f(Math.sqrt(f(variance + epsilon)))) * scale) + shift;
    });
    expect(bits(y)).toEqual(bits(expected));
  });

  it('gives the shift, and no gradient, for a single value', () => {
    const [parameters, delta] = [parametersFor(3), numbers(3, 2)];
    const { y, gradient, deltaIn } = passThrough(layer, [3], numbers(3, 1), { parameters, delta });
    expect([...y]).toEqual([...parameters.subarray(3, 6)]);
    expect([...deltaIn].map(Math.abs)).toEqual([0, 0, 0]);
    expect([...gradient.subarray(9)]).toEqual([0, 0, 0]);
  });

  it('applies an activation', () => {
    const x = numbers(24, 1);
    const { y } = passThrough(layer, [6], x);
    const relu = passThrough({ ...layer, activation: 'relu' }, [6], x).y;
    expect(bits(relu)).toEqual(bits(y.map((v) => (v > 0 ? v : 0))));
  });

  const middle: [string, Model['layers'], Shape][] = [
    ['between dense layers', [{ dense: 7, activation: 'tanh' }, layer, { dense: 4, activation: 'linear' }], [3, 4]],
    ['over positions', [{ ...layer, activation: 'sigmoid' }, layer, { dense: 4, activation: 'linear' }], [2, 3, 2]],
  ];
  it.each(middle)('has the gradient of the loss, through mean and variance: %s', (_, layers, input) => {
    expectExactGradient({ input, layers, loss: 'softmaxCrossEntropy' });
  });

  it.each([0, 2, '1e-5'])('refuses to add %j to a variance', (added) => {
    expect(invalidModel({ input: [4], layers: [{ batchNorm: added }], loss: 'quadratic' })).toBe(
      'model.layers[0].batchNorm must be a number from 1e-10 to 1',
    );
  });

  it('must not end with an activation before a loss that takes raw scores', () => {
    const layers = [
      { dense: 4, activation: 'linear' },
      { ...layer, activation: 'relu' },
    ];
    expect(invalidModel({ input: [4], layers, loss: 'softmaxCrossEntropy' })).toBe(
      'model.layers[1].activation is "relu", but loss "softmaxCrossEntropy" takes raw scores: use "linear"',
    );
  });
});

describe('the running means', () => {
  const model: Model = {
    input: [3, 2],
    layers: [layer, { dense: 4, activation: 'linear' }],
    loss: 'softmaxCrossEntropy',
  };
  const train = randomSamples(model, 22, 1);
  const run: ReferenceRun = {
    model,
    train,
    batch: 0,
    microBatch: 22,
    seed: 1,
    optimizer: { name: 'sgd', rate: 0, momentum: 0.9 },
  };
  const statistics = (weights: Float32Array) => [...weights.subarray(2, 4)];
  /** The running means after each of the first steps. */
  const trained = (of: ReferenceRun, steps: number) => {
    const training = referenceTrain(of, scalar);
    return Array.from({ length: steps }, () => statistics(training.next().value.weights));
  };
  const moved = (mean: number, found: number) => f(mean + f(f(0.1) * f(found - mean)));

  it('start at mean 0 and variance 1', () => {
    expect(
      tensorSpans(model)
        .map(({ name }) => name)
        .slice(0, 4),
    ).toEqual(['scale', 'shift', 'mean', 'variance'].map((name) => `layers.0.${name}`));
    expect([...initialWeights(model, 1).subarray(0, 4)]).toEqual([1, 0, 0, 1]);
  });

  it('move towards the figures of each step, whatever the rate', () => {
    const pixels = Array.from(train.images, (pixel) => pixel / 255);
    const mean = pixels.reduce((a, b) => a + b) / pixels.length;
    const variance = pixels.reduce((sum, x) => sum + (x - mean) ** 2, 0) / pixels.length;
    let [m, v] = [0, 1];
    for (const found of trained(run, 3)) {
      [m, v] = [m + 0.1 * (mean - m), v + 0.1 * (variance - v)];
      expect(found[0]).toBeCloseTo(m, 6);
      expect(found[1]).toBeCloseTo(v, 6);
    }
  });

  it('move by the sum of the micro-batches, each weighted by its samples', () => {
    const order = new SampleOrder({ ...run, samples: 22, microBatch: 16 });
    const figures = [0, 1].map((slot) => {
      const ids = [...order.slotIds(0, 0, slot)];
      const x = Float32Array.from(
        ids.flatMap((id) => [...train.images.subarray(6 * id, 6 * id + 6)]),
        (p) => p / 255,
      );
      const { mean, variance } = formulas(x, x, 1, 0);
      return [mean, variance].map((figure) => f(figure * ids.length));
    });
    const expected = [0, 1].map((first, i) => moved(first, f(f(figures[0][i] + figures[1][i]) / 22)));
    expect(trained({ ...run, microBatch: 16 }, 1)).toEqual([expected]);
  });

  it('give a sample the same outputs whatever the other samples of an evaluation', () => {
    const [weights, bench] = [randomWeights(model, 3), new Bench(model, train, randomWeights(model, 3), 22)];
    const ids = bench.put(Uint32Array.from({ length: 22 }, (_, id) => id));
    bench.network.evaluate(bench.from, evaluating(ids, 22), bench.take(8), Write.store, bench.take(22));
    const classifier = new Classifier(scalar, model);
    classifier.setWeights(1, weights);
    for (let id = 0; id < 22; id++) {
      const { layers } = classifier.classify(train.images.subarray(6 * id, 6 * id + 6));
      for (const [n, { at, width }] of bench.network.outputs.entries()) {
        expect(bits(layers[n])).toEqual(bits(bench.floats(at + 4 * id * width, width)));
      }
    }
  });
});
