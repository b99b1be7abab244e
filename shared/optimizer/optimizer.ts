/**
 * The contract of an optimizer: a function that updates the weights from the sum of a step (E4), and the names of the
 * vectors that it keeps from step to step. Each file of an optimizer beside this one has a line in optimizers.ts, which
 * makes it known.
 *
 * An optimizer calls kernels, or loops over views of the memory and rounds every result to float32 (E2). Numbers that all
 * parameters of a step share may be computed in double precision and rounded once. The new value of a parameter depends on
 * no other parameter, so several threads can update parts of the weights.
 */
import type { KernelMemory } from '../arithmetic/backend.js';
import type { Pointer } from '../arithmetic/kernels.js';
import type { Check } from '../fields.js';
import type { Coding } from '../model/coding.js';

/** The addresses of the weights and of an optimizer's vectors. */
export interface OptimizerPlace {
  readonly weights: Pointer;
  /**
   * In the order of `OptimizerKind.vectors`, each as long as the weights. In a new run, they are +0. Where updates are
   * quantised, their residual is behind them.
   */
  readonly vectors: readonly Pointer[];
  /** Where updates are quantised. Absent: they are not. */
  readonly coded?: CodedPlace | undefined;
}

/** The vectors of an update that travels in codes, each as long as the weights. */
export interface CodedPlace {
  readonly coding: Coding;
  /** What the update has subtracted from the weights. Statistics have their new values there. */
  readonly change: Pointer;
  /** What the codes could not say so far. It is added to the next change. */
  readonly residual: Pointer;
}

/** The sum of a step, to update the weights from. */
export interface StepSum {
  /** The whole sum, at the root of the step's tree. */
  readonly sum: Pointer;
  /** What the sum is divided by: the number of its samples or, in a round, of its slots. */
  readonly terms: number;
  /** Number of updates before this one. */
  readonly step: number;
}

/** Numbers of a step that are computed once, for all parts of its update (update.ts). Both are float32. */
export interface StepScale {
  /** The learning rate of this step. */
  readonly rate: number;
  /** What the mean gradient is multiplied by: less than 1 if it is clipped. */
  readonly factor: number;
}

/** A part of the weights, and what to update it from. */
export interface UpdatePart extends StepSum, StepScale {
  /** Index of the first parameter, and the number of parameters. The first one of `sum` has index 0, too. */
  readonly first: number;
  readonly floats: number;
}

export interface OptimizerKind<Description> {
  /** Checks a description: the name, and the settings, which all determine the weights. */
  readonly check: Check;
  /** The settings, where nobody gives others. */
  readonly defaults: Description;
  /** Settings that a description leaves out where they have these values. */
  readonly leftOut: Readonly<Record<string, number | boolean>>;
  /** Names of the vectors that it keeps from step to step. A checkpoint has tensors `NAME.layers.0.weight` … for each. */
  readonly vectors: readonly string[];
  /** Updates a part of the weights, and the same part of its vectors. The rate is the part's, not the description's. */
  update(description: Description, memory: KernelMemory, at: OptimizerPlace, part: UpdatePart): void;
}
