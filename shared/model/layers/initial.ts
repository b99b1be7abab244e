/**
 * The first weights of a layer that sums over its inputs. They are uniform, within a bound that keeps the variance of the
 * signals about the same from layer to layer.
 */
import type { Activation } from '../../arithmetic/kernels.js';
import { oneOf, optional } from '../../fields.js';
import type { Random } from '../../random.js';

/**
 * The rule for the bound: sqrt(6 / (fan in + fan out)) (glorot: Glorot and Bengio 2010), or sqrt(6 / fan in) before a relu,
 * which halves the variance (he: He et al. 2015).
 */
export type Initial = 'he' | 'glorot';

export const checkInitial = optional(oneOf('he', 'glorot'));

/** The rule of a layer: the one that its description names, or the one that suits its own activation. */
export function initialOf(description: { initial?: Initial; activation: keyof typeof Activation }): Initial {
  return description.initial ?? (description.activation === 'relu' ? 'he' : 'glorot');
}

/**
 * Draws weights in [-bound, bound). `fanIn` is the number of inputs that an output depends on, `fanOut` the number of
 * outputs that depend on an input. No transcendental function is used (E2).
 */
export function drawWeights(
  weights: Float32Array,
  initial: Initial,
  fanIn: number,
  fanOut: number,
  random: Random,
): void {
  // A float32, so that the product below has at most 48 significant bits and is exact before it is rounded.
  const bound = Math.fround(Math.sqrt(6 / (initial === 'he' ? fanIn : fanIn + fanOut)));
  // 2u - 1 is exact. Storing in a Float32Array rounds the product once.
  for (let i = 0; i < weights.length; i++) weights[i] = (2 * random.uniform() - 1) * bound;
}
