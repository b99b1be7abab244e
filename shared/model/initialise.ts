/** A model's first weights: a function of the model and the seed, without transcendental functions (E2). */
import { Activation } from '../arithmetic/kernels.js';
import { Random, stream } from '../random.js';
import type { Model } from './model.js';
import { type DenseSpan, denseSpans, parameterCount } from './parameters.js';

/**
 * Weights uniform in [-bound, bound), biases zero. The bound keeps the variance of the signals about the same from
 * layer to layer: sqrt(6 / (inputs + outputs)) (Glorot and Bengio 2010), or sqrt(6 / inputs) before a relu, which
 * halves it (He et al. 2015). Each layer draws from a stream of its own. `seed` is a uint32.
 */
export function initialWeights(model: Model, seed: number): Float32Array {
  const weights = new Float32Array(parameterCount(model));
  for (const [n, span] of denseSpans(model).entries()) {
    const random = new Random(seed, stream.weights, n);
    const bound = uniformBound(span);
    // 2u - 1 is exact; assigning to a Float32Array rounds the product once.
    for (let i = span.weightAt; i < span.biasAt; i++) weights[i] = (2 * random.uniform() - 1) * bound;
  }
  return weights;
}

/** As a float32, so that the product above has at most 48 significant bits and is itself exact before it is rounded. */
function uniformBound({ inputs, outputs, activation }: DenseSpan): number {
  return Math.fround(Math.sqrt(6 / (activation === Activation.relu ? inputs : inputs + outputs)));
}
