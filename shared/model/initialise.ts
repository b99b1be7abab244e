import { Random, stream } from '../random.js';
import { chainOf } from './chain.js';
import type { Model } from './model.js';
import { parameterCount } from './parameters.js';

/**
 * Makes a model's first weights from the model and the seed, a uint32. Each layer draws from its own random stream. No
 * transcendental function is used (E2).
 */
export function initialWeights(model: Model, seed: number): Float32Array {
  const weights = new Float32Array(parameterCount(model));
  for (const [n, { layer, offset, parameters }] of chainOf(model).entries()) {
    layer.initialise(weights.subarray(offset, offset + parameters), new Random(seed, stream.weights, n));
  }
  return weights;
}
