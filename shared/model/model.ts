import type { Activation, Loss } from '../arithmetic/kernels.js';

/** A fully connected layer: y = activation(x W + b). */
export interface DenseLayer {
  /** Number of outputs. */
  readonly dense: number;
  readonly activation: keyof typeof Activation;
}

/**
 * A network, as its JSON file says it:
 *
 *     { "input": [28, 28], "layers": [{ "dense": 128, "activation": "relu" }, { "dense": 10, "activation": "linear" }],
 *       "loss": "softmaxCrossEntropy" }
 *
 * `input` is the shape of one sample; its pixels are read row by row. The last layer has one output per class.
 */
export interface Model {
  readonly input: readonly number[];
  readonly layers: readonly DenseLayer[];
  readonly loss: keyof typeof Loss;
}
