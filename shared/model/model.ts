import type { Loss } from '../arithmetic/kernels.js';
import type { LayerDescription } from './layers/layers.js';

/**
 * A network, as its JSON file says it:
 *
 *     { "input": [28, 28], "layers": [{ "dense": 128, "activation": "relu" }, { "dense": 10, "activation": "linear" }],
 *       "loss": "softmaxCrossEntropy" }
 *
 * `input` is the shape of one sample; its pixels are read row by row. The last layer has one output per class, or more.
 */
export interface Model {
  readonly input: readonly number[];
  readonly layers: readonly LayerDescription[];
  readonly loss: keyof typeof Loss;
}
