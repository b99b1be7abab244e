import { both, type Check, fraction, notNegative, number, object, oneOf, optional } from '../fields.js';
import type { OptimizerKind } from './optimizer.js';

/** Stochastic gradient descent, with or without momentum. The kernel `sgd` has the formulas. */
export interface SgdDescription {
  readonly name: 'sgd';
  /** Learning rate. */
  readonly rate: number;
  /** Fraction of the velocity that is kept from step to step. With 0 there is no velocity. */
  readonly momentum: number;
  /** Whether a step looks ahead along the velocity (Nesterov 1983, in the form of Sutskever et al. 2013 and PyTorch). */
  readonly nesterov?: true;
  /** Weight decay: this fraction of a weight is added to its gradient, as in PyTorch. */
  readonly decay?: number;
}

const fields = object<SgdDescription>({
  name: oneOf('sgd'),
  rate: number,
  momentum: fraction,
  nesterov: optional(oneOf(true)),
  decay: optional(notNegative),
});

/** Nesterov's step looks ahead along a velocity, so there must be one. */
const checkNesterov: Check = (path, x) => {
  const { nesterov, momentum } = x as SgdDescription;
  return nesterov && momentum === 0 ? `${path}.nesterov needs a momentum above 0` : null;
};

export const sgd: OptimizerKind<SgdDescription> = {
  check: both(fields, checkNesterov),
  defaults: { name: 'sgd', rate: 0.1, momentum: 0.9 },
  leftOut: { nesterov: false, decay: 0 },
  vectors: ['velocity'],
  update({ momentum, nesterov, decay = 0 }, { kernels }, { weights, vectors }, part) {
    const { first, floats, sum, terms, rate, factor } = part;
    const [w, v, from] = [weights, vectors[0], sum].map((vector) => vector + 4 * first);
    kernels.sgd(w, v, from, floats, terms, rate, momentum, factor, decay, nesterov ? 1 : 0);
  },
};
