import type { KernelMemory } from '../arithmetic/backend.js';
import { belowOne, type Fields, number, object, oneOf, positive } from '../fields.js';
import type { OptimizerKind, OptimizerPlace, UpdatePart } from './optimizer.js';
import { power } from './power.js';

/** The settings of Adam (Kingma and Ba 2015), and of what is made of it. */
export interface AdamSettings {
  /** Learning rate. */
  readonly rate: number;
  /** Fractions of the running means of the gradient and of its square that are kept from step to step. */
  readonly beta1: number;
  readonly beta2: number;
  /** Added to the root of the mean square, so that it is never zero. */
  readonly epsilon: number;
}

export interface AdamDescription extends AdamSettings {
  readonly name: 'adam';
}

export const adamFields: Fields<AdamSettings> = { rate: number, beta1: belowOne, beta2: belowOne, epsilon: positive };
export const adamDefaults: AdamSettings = { rate: 0.001, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };
export const adamVectors = ['mean', 'meanSquare'];

export const adam: OptimizerKind<AdamDescription> = {
  check: object<AdamDescription>({ name: oneOf('adam'), ...adamFields }),
  defaults: { name: 'adam', ...adamDefaults },
  leftOut: {},
  vectors: adamVectors,
  update: (description, memory, at, part) => moveByMeans(description, memory, at, part, 1),
};

/**
 * Adam's update, by the kernel `adam`, with the operations in the order of PyTorch's. `kept` is the fraction of each weight
 * that weight decay leaves. The means begin at 0, so in the first steps they are too small; `size` and `scale` make up
 * for that.
 */
export function moveByMeans(
  { beta1, beta2, epsilon }: AdamSettings,
  memory: KernelMemory,
  at: OptimizerPlace,
  part: UpdatePart,
  kept: number,
): void {
  const { first, floats, terms, step, rate, factor } = part;
  const size = Math.fround(rate / (1 - power(beta1, step + 1)));
  const scale = Math.fround(1 / Math.sqrt(1 - power(beta2, step + 1)));
  const [mean, meanSquare] = at.vectors;
  const [w, m, v, sum] = [at.weights, mean, meanSquare, part.sum].map((vector) => vector + 4 * first);
  memory.kernels.adam(w, m, v, sum, floats, terms, factor, beta1, beta2, epsilon, size, scale, kept);
}
