import { Random, stream } from '../random.js';
import { chainOf } from './chain.js';
import type { Model } from './model.js';
import { parameterCount } from './parameters.js';

/**
 * A model's first weights: a function of the model and the seed, without transcendental functions (E2). Each layer
 * draws from a random stream of its own. `seed` is a uint32.
 */
export function initialWeights(model: Model, seed: number): Float32Array {
  const weights = new Float32Array(parameterCount(model));
  for (const [n, { layer, offset, parameters }] of chainOf(model).entries()) {
    layer.initialise(weights.subarray(offset, offset + parameters), new Random(seed, stream.weights, n));
  }
  return weights;
}
