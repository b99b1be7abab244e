/** Makes small data sets and weights from a seed, for the runs of the trials. */
import type { LooseSamples } from '../../shared/compute/samples.js';
import type { RunDescription } from '../../shared/compute/workspace.js';
import type { SampleSet } from '../../shared/data/dataset.js';
import { inputWidth, outputWidth, parameterCount } from '../../shared/model/parameters.js';
import { Random } from '../../shared/random.js';

/** The first labels of the random streams. Training uses the labels 1 to 3. */
const streams = { train: 100, test: 101, weights: 102, validation: 103 } as const;

/** Makes `count` samples, numbered from 0. A third of the pixels are 0, because most images have many zeros. */
export function madeUpSamples({ model, seed }: RunDescription, set: SampleSet, count: number): LooseSamples {
  const random = new Random(seed, streams[set]);
  const pixel = () => (random.below(3) === 0 ? 0 : random.below(256));
  return {
    ids: Uint32Array.from({ length: count }, (_, id) => id),
    pixels: Uint8Array.from({ length: count * inputWidth(model) }, pixel),
    labels: Uint8Array.from({ length: count }, () => random.below(outputWidth(model))),
  };
}

/**
 * Makes weights and biases in [-0.5, 0.5). The first weights of a run have biases of 0, and would not show a bias that
 * is added at the wrong time.
 */
export function madeUpWeights({ model, seed }: RunDescription, version = 0): Float32Array {
  const random = new Random(seed, streams.weights, version);
  return Float32Array.from({ length: parameterCount(model) }, () => random.uniform() - 0.5);
}

/** The samples with these ids. */
export function pick({ labels, pixels }: LooseSamples, ids: readonly number[]): LooseSamples {
  const width = pixels.length / labels.length;
  return {
    ids: Uint32Array.from(ids),
    labels: Uint8Array.from(ids, (id) => labels[id]),
    pixels: Uint8Array.from(ids.flatMap((id) => [...pixels.subarray(id * width, (id + 1) * width)])),
  };
}
