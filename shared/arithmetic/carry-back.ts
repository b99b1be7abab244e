import { Activation, type ActivationCode } from './kernels.js';

const f = Math.fround;

/**
 * A gradient behind an activation, carried back to the point before it: `delta` times the activation's derivative, which
 * is written in terms of the activated value `y`. This is the definition; `denseInputGradient` and `outputLoss` do the
 * same.
 */
export function carryBack(activation: ActivationCode, delta: number, y: number): number {
  switch (activation) {
    case Activation.linear:
      return delta;
    case Activation.sigmoid:
      return f(delta * f(y * f(1 - y)));
    case Activation.tanh:
      return f(delta * f(1 - f(y * y)));
    case Activation.relu:
      return y > 0 ? delta : 0;
  }
}
