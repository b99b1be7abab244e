/** Tests the network's passes: compares their gradients with float64, and checks what must not change their bits. */
import { describe, expect, it, test } from 'vitest';
import { Write } from '../../../shared/arithmetic/kernels.js';
import { type Chain, chainOf } from '../../../shared/model/chain.js';
import type { DenseDescription } from '../../../shared/model/layers/dense.js';
import { elements, type Layer, type Pass, type Place } from '../../../shared/model/layers/layer.js';
import type { Model } from '../../../shared/model/model.js';
import { activations } from './exact-layers.js';
import { Bench, bits, evaluating, randomSamples, randomWeights, training } from './fixture.js';
import { ExactNetwork, expectExactGradient, largest, losses } from './float64.js';

function modelOf(loss: Model['loss'], ...layers: [number, DenseDescription['activation']][]): Model {
  return { input: [3, 4], layers: layers.map(([dense, activation]) => ({ dense, activation })), loss };
}

const names = Object.keys(activations) as DenseDescription['activation'][];
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
    expectExactGradient(model);
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
    network.gradient(from, training(ids, 5), a, Write.store);
    network.gradient(from, training(ids + 20, 4), b, Write.store);
    kernels.add(a, b, sumAt, floats);
    network.gradient(from, training(ids + 20, 4), a, Write.accumulate);
    expect(bits(bench.floats(a, floats))).toEqual(bits(bench.floats(sumAt, floats)));
  });

  it('evaluates with the same loss and count as training, and says which class it sees', () => {
    const bench = new Bench(model, samples, weights, 8);
    const { network, from, partialFloats: floats } = bench;
    const chosen = [3, 1, 4, 15, 9];
    const ids = bench.put(Uint32Array.from(chosen));
    const partial = bench.take(4 * floats);
    const [sums, predictions] = [bench.take(8), bench.take(8)];
    network.gradient(from, training(ids, 5), partial, Write.store);
    network.evaluate(from, evaluating(ids, 5), sums, Write.store, predictions);
    expect(bits(bench.floats(sums, 2))).toEqual(bits(bench.floats(partial, floats).subarray(-2)));
    const classes = new ExactNetwork(model).outputs(Float64Array.from(weights), samples).map(({ y }) => largest(y));
    expect([...new Uint8Array(bench.memory.buffer, predictions, 5)]).toEqual(chosen.map((id) => classes[id]));
  });

  it('does not depend on what its buffers held before', () => {
    const run = (...before: number[]) => {
      const bench = new Bench(model, samples, weights, 8);
      const { network, from, partialFloats: floats } = bench;
      const ids = bench.put(Uint32Array.of(0, 1, 2, ...before));
      const partial = bench.take(4 * floats);
      if (before.length > 0) network.gradient(from, training(ids + 12, before.length), partial, Write.store);
      network.gradient(from, training(ids, 3), partial, Write.store);
      return bits(bench.floats(partial, floats));
    };
    expect(run(9, 8, 7, 6, 5, 4)).toEqual(run());
  });
});

/** A layer without parameters: y = x / 2, which is exact. It leaves the activation before it to the network. */
class Halving implements Layer {
  readonly tensors = [];
  readonly activation = 'linear';
  readonly carriesBack = false;
  readonly transposedFloats = 0;

  constructor(readonly output: readonly number[]) {}

  initialise(): void {}
  transpose(): void {}
  scratchFloats(): number {
    return 0;
  }

  forward(at: Place, _parameters: number, { rows }: Pass): void {
    const count = rows * elements(this.output);
    const [x, y] = [at.floats(at.x, count), at.floats(at.y, count)];
    for (let i = 0; i < count; i++) y[i] = x[i] / 2;
  }

  parameterGradient(): void {}

  inputGradient(at: Place, delta: number, deltaIn: number, _transposed: number, { rows }: Pass): void {
    const count = rows * elements(this.output);
    const [from, to] = [at.floats(delta, count), at.floats(deltaIn, count)];
    for (let i = 0; i < count; i++) to[i] = from[i] / 2;
  }
}

const fewSamples = randomSamples(modelOf('quadratic', [4, 'linear']), 5, 3);

/** The partial gradient of the model's layers, or of the layers in `chain`. */
function partialOf(model: Model, weights: Float32Array, chain?: Chain): Float32Array {
  const bench = new Bench(model, fewSamples, weights, fewSamples.count, chain);
  const ids = bench.put(Uint32Array.of(0, 1, 2, 3, 4));
  const partial = bench.take(4 * bench.partialFloats);
  bench.network.gradient(bench.from, training(ids, 5), partial, Write.store);
  return bench.floats(partial, bench.partialFloats);
}

test('a first layer that does not read packed images gets plain floats', () => {
  const model = modelOf('quadratic', [4, 'linear']);
  const [only] = chainOf(model);
  const halving = { layer: new Halving([3, 4]), width: 12, offset: 0, parameters: 0, transposedAt: 0 };
  const weights = randomWeights(model, 2);
  // This is the same network, with half the weights instead of half the pixels.
  const expected = partialOf(
    model,
    weights.map((w, i) => (i < 48 ? w / 2 : w)),
  );
  for (let i = 0; i < 48; i++) expected[i] /= 2;
  expect(bits(partialOf(model, weights, [halving, only]))).toEqual(bits(expected));
});

describe('a layer that carries no gradient back through the activation before it', () => {
  it.each(names)('leaves that to the network, which has the bits of the kernels: %s', (activation) => {
    const model = modelOf('quadratic', [6, activation], [4, 'linear']);
    const [first, last] = chainOf(model);
    const halving = { layer: new Halving([6]), width: 6, offset: last.offset, parameters: 0, transposedAt: 0 };
    const weights = randomWeights(model, 2);
    const halved = weights.map((w, i) => (i >= last.offset && i < last.offset + 24 ? w / 2 : w));
    const actual = partialOf(model, weights, [first, halving, last]);
    // This is the same network, with half the weights instead of half the inputs.
    const expected = partialOf(model, halved);
    for (let i = last.offset; i < last.offset + 24; i++) expected[i] /= 2;
    expect(bits(actual)).toEqual(bits(expected));
  });
});
