/**
 * What an optimizer is: a pure function from a step's sum to new weights (E4), and the vectors that it remembers. One
 * file in this folder is one optimizer, and a line in optimizers.ts makes it known.
 *
 * An optimizer may call kernels, or compute in plain loops over views of the memory, with every float32 rounded (E2). It
 * updates each parameter on its own, so that several threads may share the work.
 */
import type { KernelMemory } from '../arithmetic/backend.js';
import type { Pointer } from '../arithmetic/kernels.js';
import type { Check } from '../fields.js';

/** Where an optimizer finds what it keeps. */
export interface OptimizerPlace {
  readonly weights: Pointer;
  /** Its vectors in the order of `OptimizerKind.vectors`, each as long as the weights. They begin as +0. */
  readonly vectors: readonly Pointer[];
}

/** A run of parameters to update from a sum. */
export interface UpdatePart {
  /** The first of the parameters, and their number. */
  readonly first: number;
  readonly floats: number;
  /** The root of the step's tree, from its first float on. */
  readonly sum: Pointer;
  /** Samples that the sum is over. */
  readonly samples: number;
  /** Updates that the weights have seen before this one. */
  readonly step: number;
}

export interface OptimizerKind<Description> {
  /** Checks a description: its name and its settings, all of which determine the weights. */
  readonly check: Check;
  /** Names of the vectors that it remembers from step to step. A checkpoint has a tensor `NAME.layers.0.weight` for each. */
  readonly vectors: readonly string[];
  /** Updates the weights and the vectors of a run of parameters. */
  update(description: Description, memory: KernelMemory, at: OptimizerPlace, part: UpdatePart): void;
}
