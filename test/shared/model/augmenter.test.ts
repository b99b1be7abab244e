/** A network that distorts its samples computes what a network computes whose samples were distorted before. */
import { expect, test } from 'vitest';
import { Write } from '../../../shared/arithmetic/kernels.js';
import type { Samples } from '../../../shared/data/dataset.js';
import { Distortion } from '../../../shared/data/distortion.js';
import type { Pass } from '../../../shared/model/layers/layer.js';
import type { Model } from '../../../shared/model/model.js';
import { Bench, bits, randomSamples, randomWeights } from './fixture.js';

const model: Model = {
  input: [7, 6],
  layers: [
    { dense: 9, activation: 'relu' },
    { dense: 4, activation: 'linear' },
  ],
  loss: 'softmaxCrossEntropy',
};
const augment = { shift: 1, rotate: 20, scale: 0.2, elastic: 1.5 };
const samples = randomSamples(model, 20, 3);
const weights = randomWeights(model, 4);
const [seed, epoch] = [11, 5];

/** All samples as they are in the epoch. */
function distortedSamples(): Samples {
  const distortion = new Distortion(augment, model.input);
  const images = samples.images.slice();
  for (let id = 0; id < samples.count; id++)
    distortion.distort(images.subarray(42 * id, 42 * (id + 1)), seed, epoch, id);
  return { ...samples, images };
}

const chosen = [3, 1, 4, 15, 9, 2, 6];

function partialOf(bench: Bench): Uint32Array {
  const pass: Pass = { ids: bench.put(Uint32Array.from(chosen)), rows: chosen.length, moment: { seed, epoch } };
  const partial = bench.take(4 * bench.partialFloats);
  bench.network.gradient(bench.from, pass, partial, Write.store);
  return bits(bench.floats(partial, bench.partialFloats));
}

function scoreOf(bench: Bench): Uint32Array {
  const pass: Pass = { ids: bench.put(Uint32Array.from(chosen)), rows: chosen.length, moment: null };
  const [score, predictions] = [bench.take(8), bench.take(8)];
  bench.network.evaluate(bench.from, pass, score, Write.store, predictions);
  return bits(bench.floats(score, 2));
}

test('a training pass has the gradient of the distorted samples', () => {
  const [own, plain] = [
    new Bench(model, samples, weights, 8, undefined, undefined, augment),
    new Bench(model, samples, weights, 8),
  ];
  const expected = partialOf(new Bench(model, distortedSamples(), weights, 8));
  expect(partialOf(own)).toEqual(expected);
  expect(partialOf(plain)).not.toEqual(expected);
  // Twice, because the first pass has written to the buffers.
  expect(partialOf(own)).toEqual(expected);
});

test('an evaluation sees the samples as they are, also after a training pass', () => {
  const own = new Bench(model, samples, weights, 8, undefined, undefined, augment);
  const expected = scoreOf(new Bench(model, samples, weights, 8));
  expect(scoreOf(own)).toEqual(expected);
  partialOf(own);
  expect(scoreOf(own)).toEqual(expected);
});

test('the held samples stay as they are', () => {
  const own = new Bench(model, samples, weights, 8, undefined, undefined, augment);
  const first = partialOf(own);
  const image = own.take(42);
  for (const id of [3, 9]) {
    const [record] = new Uint32Array(own.memory.buffer, own.from.records + 4 * id, 1);
    own.kernels.restore(record, 42, image);
    expect(new Uint8Array(own.memory.buffer, image, 42)).toEqual(samples.images.slice(42 * id, 42 * (id + 1)));
  }
  expect(partialOf(own)).toEqual(first);
});
