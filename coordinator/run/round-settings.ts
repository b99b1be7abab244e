/** The settings of local rounds: how many steps, how many replicas, and the outer optimizer. */
import { LockstepError } from '../../shared/errors.js';
import { limits } from '../../shared/limits.js';
import { withSettings } from '../../shared/optimizer/optimizers.js';
import { outerDefault, type RoundsDescription } from '../../shared/optimizer/rounds.js';

/** What the user gives. */
export interface GivenRounds {
  /** Local steps of a slot. 1: ordinary steps. */
  readonly localSteps?: number | undefined;
  /** Slots of a round. */
  readonly replicas?: number | undefined;
  readonly outerLr?: number | undefined;
  readonly outerMomentum?: number | undefined;
  /** Samples of an ordinary step. */
  readonly batch?: number | undefined;
}

/** How large a step is, and whether it is a round. */
export interface StepSize {
  readonly batch: number;
  readonly microBatch: number;
  readonly rounds: RoundsDescription | undefined;
}

export const replicasDefault = 8;

/** Whether a new run is asked for that has rounds. */
export function hasRounds({ localSteps = 1 }: GivenRounds): boolean {
  return localSteps > 1;
}

/** `base` has the settings where the user gives none. Throws `usage` for what does not fit together. */
export function completeStepSize(given: GivenRounds, base: StepSize, microBatch: number): StepSize {
  const steps = given.localSteps ?? base.rounds?.steps ?? 1;
  if (steps === 1) {
    refuseForeign(given);
    return { batch: given.batch ?? base.batch, microBatch, rounds: undefined };
  }
  if (given.batch !== undefined) throw new LockstepError('usage', batchOfRounds(given.batch, steps, microBatch));
  const replicas = given.replicas ?? replicasOf(base);
  const batch = replicas * steps * microBatch;
  if (batch > limits.samplesMax) throw new LockstepError('usage', tooLarge(replicas, steps, microBatch));
  return { batch, microBatch, rounds: { steps, outer: completeOuter(given, base.rounds) } };
}

function replicasOf({ batch, microBatch, rounds }: StepSize): number {
  return rounds === undefined ? replicasDefault : batch / (rounds.steps * microBatch);
}

/** Nesterov's step needs a momentum: without one, the outer optimizer is plain SGD. With a rate of 1, it takes the mean. */
function completeOuter({ outerLr, outerMomentum }: GivenRounds, base: RoundsDescription | undefined) {
  const nesterov = outerMomentum === 0 ? false : undefined;
  return withSettings(base?.outer ?? outerDefault, { rate: outerLr, momentum: outerMomentum, nesterov });
}

function refuseForeign({ replicas, outerLr, outerMomentum }: GivenRounds): void {
  const options = { '--replicas': replicas, '--outer-lr': outerLr, '--outer-momentum': outerMomentum };
  const foreign = Object.entries(options).find(([, value]) => value !== undefined);
  if (foreign === undefined) return;
  throw new LockstepError(
    'usage',
    `${foreign[0]} is a setting of rounds: add --local-steps 2 or more, or leave it out`,
  );
}

function batchOfRounds(batch: number, steps: number, microBatch: number): string {
  return (
    `--batch ${batch} does not go with rounds of --local-steps ${steps}: a round has replicas x local steps x micro-batch ` +
    `samples (${replicasDefault} x ${steps} x ${microBatch} = ${replicasDefault * steps * microBatch}); ` +
    'set --replicas and --micro-batch instead'
  );
}

function tooLarge(replicas: number, steps: number, microBatch: number): string {
  const samples = replicas * steps * microBatch;
  return (
    `a round of ${replicas} replicas x ${steps} local steps x ${microBatch} samples has ${samples} samples, more than ` +
    `${limits.samplesMax}: use fewer replicas or local steps, or a smaller micro-batch`
  );
}
