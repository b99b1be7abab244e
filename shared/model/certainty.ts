/** How sure a network is of each class. Only people read these numbers: no weights are computed from them. */
import type { Classified } from '../../shared/model/classifier.js';
import type { Model } from '../../shared/model/model.js';

/** What was classified, with the last layer's outputs as shares of certainty. */
export function withCertainties(classified: Classified, loss: Model['loss']): Classified {
  const { layers } = classified;
  return { ...classified, layers: [...layers.slice(0, -1), certainties(layers[layers.length - 1], loss)] };
}

function certainties(y: Float32Array, loss: Model['loss']): Float32Array {
  if (loss === 'quadratic') return y;
  if (loss === 'sigmoidCrossEntropy') return y.map((score) => 1 / (1 + Math.exp(-score)));
  const most = y.reduce((a, b) => Math.max(a, b));
  const powers = y.map((score) => Math.exp(score - most));
  const sum = powers.reduce((a, b) => a + b);
  return powers.map((power) => power / sum);
}
