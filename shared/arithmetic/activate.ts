/** Activations as the specification computes them (E2). Kernels that end with an activation do the same. */
import { Activation, type ActivationCode } from './kernels.js';
import { sigmoid, tanh } from './scalar/elementary.js';

export function activate(activation: ActivationCode, z: number): number {
  switch (activation) {
    case Activation.linear:
      return z;
    case Activation.sigmoid:
      return sigmoid(z);
    case Activation.tanh:
      return tanh(z);
    case Activation.relu:
      return Math.max(z, 0);
  }
}

/** Replaces each value by its activation. */
export function activateAll(activation: ActivationCode, values: Float32Array): void {
  if (activation === Activation.linear) return;
  for (let i = 0; i < values.length; i++) values[i] = activate(activation, values[i]);
}
