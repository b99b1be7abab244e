/** Rounds in a configuration: how many local steps a slot makes, and what applies the mean of the slots' differences. */
import { type Fields, object, wholeNumber } from '../fields.js';
import { limits } from '../limits.js';
import { checkOptimizer, type OptimizerDescription, withSettings } from './optimizers.js';

/** `rounds` in `config.json`. The optimizer, the clipping and the schedule beside it are those of the local steps. */
export interface RoundsDescription {
  /** Local steps of a slot: its samples are so many micro-batches. */
  readonly steps: number;
  /** The optimizer that updates the weights of the run (E4). */
  readonly outer: OptimizerDescription;
}

const fields: Fields<RoundsDescription> = { steps: wholeNumber(2, limits.localStepsMax), outer: checkOptimizer };

export const checkRounds = object<RoundsDescription>(fields);

/** The outer optimizer, where nobody gives other settings: that of DiLoCo (Douillard et al. 2023), with less momentum. */
export const outerDefault: OptimizerDescription = withSettings(
  { name: 'sgd', rate: 0.7, momentum: 0.8, nesterov: true },
  {},
);
