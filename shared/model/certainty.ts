/** How sure a network is of each class. Only people read these numbers: no weights are computed from them. */
import { exp, sigmoid } from '../arithmetic/scalar/elementary.js';
import type { Classified } from './classifier.js';
import type { Model } from './model.js';

/** What was classified, with the last layer's outputs as shares of certainty. */
export function withCertainties(classified: Classified, loss: Model['loss']): Classified {
  const { layers } = classified;
  return { ...classified, layers: [...layers.slice(0, -1), certainties(layers[layers.length - 1], loss)] };
}

/** The outputs of the last layer as shares of certainty. The outputs of a quadratic loss are such shares already. */
export function certainties(y: Float32Array, loss: Model['loss']): Float32Array {
  if (loss === 'quadratic') return y;
  if (loss === 'sigmoidCrossEntropy') return y.map((score) => sigmoid(score));
  const most = y.reduce((a, b) => Math.max(a, b));
  const powers = y.map((score) => exp(Math.fround(score - most)));
  const sum = powers.reduce((a, b) => a + b);
  return powers.map((power) => power / sum);
}

/** The network is sure of a class if its certainty is at least this, and that of no other class above the rest of 1. */
const sureFrom = 0.9;

/** The second class by certainty, if the network is not sure of the first one. Null if it is. */
export function runnerUp(certainties: Float32Array): number | null {
  const order = Array.from(certainties, (_, n) => n).sort((a, b) => certainties[b] - certainties[a]);
  if (order.length < 2) return null;
  const [best, second] = order;
  const isSure = certainties[best] >= sureFrom && certainties[second] <= 1 - sureFrom;
  return isSure ? null : second;
}
