/** Runs to compute: small data sets and weights, made up from a seed. */
import type { LooseSamples } from '../../shared/compute/samples.js';
import type { RunDescription } from '../../shared/compute/workspace.js';
import { inputWidth, outputWidth, parameterCount } from '../../shared/model/parameters.js';
import { Random } from '../../shared/random.js';

/** First labels of streams; those of training are 1 to 3. */
const streams = { train: 100, test: 101, weights: 102 } as const;

/** `count` samples, numbered from 0: a third of the pixels are 0, as in most images. */
export function madeUpSamples({ model, seed }: RunDescription, set: 'train' | 'test', count: number): LooseSamples {
  const random = new Random(seed, streams[set]);
  const pixel = () => (random.below(3) === 0 ? 0 : random.below(256));
  return {
    ids: Uint32Array.from({ length: count }, (_, id) => id),
    pixels: Uint8Array.from({ length: count * inputWidth(model) }, pixel),
    labels: Uint8Array.from({ length: count }, () => random.below(outputWidth(model))),
  };
}

/** Weights and biases in [-0.5, 0.5): first weights have biases of 0, which would hide when a bias is added. */
export function madeUpWeights({ model, seed }: RunDescription, version = 0): Float32Array {
  const random = new Random(seed, streams.weights, version);
  return Float32Array.from({ length: parameterCount(model) }, () => random.uniform() - 0.5);
}

/** Some of the samples. */
export function pick({ labels, pixels }: LooseSamples, ids: readonly number[]): LooseSamples {
  const width = pixels.length / labels.length;
  return {
    ids: Uint32Array.from(ids),
    labels: Uint8Array.from(ids, (id) => labels[id]),
    pixels: Uint8Array.from(ids.flatMap((id) => [...pixels.subarray(id * width, (id + 1) * width)])),
  };
}
