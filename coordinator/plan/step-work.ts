/** What one step computes, and what it sends over the network. Pure. */
import { chainOf } from '../../shared/model/chain.js';
import type { Model } from '../../shared/model/model.js';
import { parametersOf } from '../../shared/model/parameters.js';

/** The sizes of one step. */
export interface StepWork {
  readonly parameters: number;
  readonly samples: number;
  /** The pieces that a step is cut into. More devices than slots have no work. */
  readonly slots: number;
  /** Multiplications of one sample, forward. */
  readonly multiplications: number;
}

/** `batch` is the number of samples of a step. It is a multiple of `microBatch`. */
export function stepWorkOf(model: Model, batch: number, microBatch: number): StepWork {
  return {
    parameters: parametersOf(chainOf(model)),
    samples: batch,
    slots: Math.ceil(batch / microBatch),
    multiplications: multiplications(model),
  };
}

/** Multiplications of one sample, forward. A convolution uses each parameter at every position of its output. */
export function multiplications(model: Model): number {
  return chainOf(model).reduce((sum, { layer, parameters }) => {
    const [height, width] = layer.output.length === 3 ? layer.output : [1, 1];
    return sum + parameters * height * width;
  }, 0);
}
