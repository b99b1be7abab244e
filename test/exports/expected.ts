/** What exported models must compute: the outputs of the kernels that train. */
import { certainties } from '../../shared/model/certainty.js';
import { Classifier } from '../../shared/model/classifier.js';
import type { Model } from '../../shared/model/model.js';
import { inputWidth } from '../../shared/model/parameters.js';
import { webAssembly } from '../shared/arithmetic/backends.js';

export interface Outputs {
  readonly scores: Float32Array;
  readonly probabilities: Float32Array;
}

/** The outputs for each image, one image after the other. `images` has a byte per pixel. */
export function outputsOf(model: Model, weights: Float32Array, images: Uint8Array): Outputs {
  const classifier = new Classifier(webAssembly, model);
  classifier.setWeights(0, weights);
  const pixels = inputWidth(model);
  const rows = Array.from({ length: images.length / pixels }, (_, n) => {
    const { layers } = classifier.classify(images.subarray(n * pixels, (n + 1) * pixels));
    return layers[layers.length - 1];
  });
  return { scores: joined(rows), probabilities: joined(rows.map((row) => certainties(row, model.loss))) };
}

function joined(rows: readonly Float32Array[]): Float32Array {
  return Float32Array.from(rows.flatMap((row) => [...row]));
}

/** The largest difference of two lists of numbers, relative to the larger of the expected number and 1. */
export function largestDifference(found: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (found.length !== expected.length) return Number.POSITIVE_INFINITY;
  const differences = Array.from(expected, (x, i) => Math.abs(found[i] - x) / Math.max(1, Math.abs(x)));
  return differences.reduce((a, b) => (a >= b ? a : b), 0);
}
