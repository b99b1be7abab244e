/**
 * The contract of an optimizer: a function that updates the weights from the sum of a step (E4), and the names of the
 * vectors that it keeps from step to step. Each file beside this one and optimizers.ts is one optimizer, and a line in
 * optimizers.ts makes it known.
 *
 * An optimizer calls kernels, or loops over views of the memory and rounds every result to float32 (E2). The new value of
 * a parameter depends on no other parameter, so several threads can update parts of the weights.
 */
import type { KernelMemory } from '../arithmetic/backend.js';
import type { Pointer } from '../arithmetic/kernels.js';
import type { Check } from '../fields.js';

/** The addresses of the weights and of an optimizer's vectors. */
export interface OptimizerPlace {
  readonly weights: Pointer;
  /** In the order of `OptimizerKind.vectors`, each as long as the weights. In a new run, they are +0. */
  readonly vectors: readonly Pointer[];
}

/** A part of the weights, and the sum to update it from. */
export interface UpdatePart {
  /** Index of the first parameter, and the number of parameters. */
  readonly first: number;
  readonly floats: number;
  /** The whole sum of the step, at the root of its tree: `first` counts from here, too. */
  readonly sum: Pointer;
  /** Number of samples in the sum. */
  readonly samples: number;
  /** Number of updates before this one. */
  readonly step: number;
}

export interface OptimizerKind<Description> {
  /** Checks a description: the name, and the settings, which all determine the weights. */
  readonly check: Check;
  /** Names of the vectors that it keeps from step to step. A checkpoint has tensors `NAME.layers.0.weight` … for each. */
  readonly vectors: readonly string[];
  /** Updates a part of the weights, and the same part of its vectors. */
  update(description: Description, memory: KernelMemory, at: OptimizerPlace, part: UpdatePart): void;
}
