import { fraction, number, object, oneOf } from '../fields.js';
import type { OptimizerKind } from './optimizer.js';

/** Stochastic gradient descent, with or without momentum. The kernel `sgd` has the formulas. */
export interface SgdDescription {
  readonly name: 'sgd';
  /** Learning rate. */
  readonly rate: number;
  /** Fraction of the velocity that is kept from step to step. With 0 there is no velocity. */
  readonly momentum: number;
}

export const sgd: OptimizerKind<SgdDescription> = {
  check: object<SgdDescription>({ name: oneOf('sgd'), rate: number, momentum: fraction }),
  vectors: ['velocity'],
  update({ rate, momentum }, { kernels }, { weights, vectors: [velocity] }, { first, floats, sum, samples }) {
    const at = 4 * first;
    kernels.sgd(weights + at, velocity + at, sum + at, floats, samples, rate, momentum);
  },
};
