/**
 * The course of a training run: which step comes next, when to evaluate, when to checkpoint, when to stop.
 *
 * What this is: a synchronous, deterministic state machine over numbers. What this is not: it computes no gradient,
 * knows no worker, no file and no clock; `trainer-driver.ts` drives it and carries its effects out.
 *
 * One set of samples judges a run: the validation set if the run has one, otherwise the test set. The evaluations during
 * the run are of this set, and they decide which weights are the best and when the run stops. A test set that does not
 * judge is evaluated once, at the end.
 */
import { assert } from '../../shared/assert.js';
import type { EvaluationSet } from '../../shared/data/dataset.js';

/** What determines the course of a run. */
export interface TrainingPlan {
  readonly stepsPerEpoch: number;
  readonly epochs: number;
  /** Ends the run early; undefined: no limit. */
  readonly maxSteps?: number | undefined;
  /** At the end of every epoch, or after this many steps. */
  readonly evaluateEvery: 'epoch' | number;
  /** The set whose evaluations decide. */
  readonly judge: EvaluationSet;
  /** The weights that the run ends with. */
  readonly keep: Keep;
  /** Stops when the accuracy reaches it (0..1). */
  readonly targetAccuracy?: number | undefined;
  /** Stops when this many evaluations in a row bring no lower loss. */
  readonly patience?: number | undefined;
  /** Longest time between two checkpoints, as long as steps are made. */
  readonly checkpointEveryMs: number;
}

/** The weights after the last step, or those of the evaluation with the lowest loss. */
export type Keep = 'best' | 'last';

/** A position in a run, between two steps. */
export interface Position {
  /** Updates made so far. */
  readonly step: number;
  /** Epoch (from 0) and step in it (from 0) of the next step. */
  readonly epoch: number;
  readonly stepInEpoch: number;
}

export interface Score {
  /** Mean over the samples. */
  readonly loss: number;
  /** Fraction of samples whose class was found, 0..1. */
  readonly accuracy: number;
}

/** The score of the weights after `step` updates on one set. */
export interface StepScore extends Score {
  readonly step: number;
}

/** The result of a step. `step` and `epoch` count from 1. If the step was evaluated, the set that judges has a score. */
export interface StepOutcome {
  readonly step: number;
  readonly epoch: number;
  readonly train: Score;
  readonly validation?: Score | undefined;
  readonly test: Score | undefined;
}

/** The other data that a trainer needs to go on from a position. Plain data, which checkpoints keep. */
export interface TrainerState {
  /** Loss of the first step. Later losses are compared with it. */
  readonly firstLoss: number | null;
  /** Lowest loss and highest accuracy of the set that judges, null before the first evaluation. */
  readonly bestLoss: number | null;
  readonly bestAccuracy: number | null;
  /** The evaluation with the lowest loss. Absent before the first one, and in checkpoints of older versions. */
  readonly best?: StepScore | undefined;
  /** Evaluations after the one with the lowest loss. */
  readonly evaluationsSinceBest: number;
  /** The newest evaluation of the test set, and the step of its weights. */
  readonly test: Score | null;
  readonly testStep: number | null;
  /** The newest evaluation of the validation set. Absent before the first one. */
  readonly validation?: StepScore | undefined;
  /** The score of the last step while its evaluation is still missing, otherwise null. */
  readonly unevaluated: Score | null;
}

/** The point at which a saved run goes on. */
export interface Standing {
  readonly step: number;
  readonly state: TrainerState;
}

/** The point at which a new run begins. */
export const beginning: Standing = {
  step: 0,
  state: {
    firstLoss: null,
    bestLoss: null,
    bestAccuracy: null,
    evaluationsSinceBest: 0,
    test: null,
    testStep: null,
    unevaluated: null,
  },
};

export type StopReason = 'epochs' | 'max-steps' | 'target-accuracy' | 'converged' | 'interrupted' | 'diverged';

/** `nowMs` comes from any monotonic clock. */
export type TrainerEvent =
  | { readonly type: 'start'; readonly nowMs: number }
  /** The sum over the mini-batch is complete and finite. `score` is the score of the mini-batch. */
  | { readonly type: 'summed'; readonly nowMs: number; readonly score: Score }
  /** The sum is not finite (E5). */
  | { readonly type: 'diverged' }
  | { readonly type: 'evaluated'; readonly nowMs: number; readonly score: Score }
  /** Finish the current step, then wait for `resume`. */
  | { readonly type: 'pause' }
  | { readonly type: 'resume' }
  /** The operator asks for a checkpoint. */
  | { readonly type: 'checkpoint'; readonly nowMs: number }
  | { readonly type: 'interrupt' };

export type TrainerEffect =
  /** Sum the gradients of the mini-batch at this position. */
  | { readonly type: 'step'; readonly position: Position }
  /** Update the weights from the sum. */
  | { readonly type: 'update' }
  /** Evaluate a set with the current weights, which are those after `step` updates. */
  | { readonly type: 'evaluate'; readonly set: EvaluationSet; readonly step: number }
  | ({ readonly type: 'record' } & StepOutcome)
  /** Make the best weights, those after `step` updates, the current ones. No step follows. */
  | { readonly type: 'restore'; readonly step: number }
  /** The test set was evaluated at the end, with the weights that are kept. */
  | { readonly type: 'tested'; readonly evaluation: StepScore }
  | { readonly type: 'checkpoint'; readonly position: Position; readonly state: TrainerState }
  /** The last effect of a run. */
  | { readonly type: 'finish'; readonly reason: StopReason };

export class Trainer {
  private step_: number;
  private progress: TrainerState;
  private state: 'ready' | 'summing' | 'evaluating' | 'paused' | 'testing' | 'finished' = 'ready';
  private pauseIsWanted = false;
  /** The step of the best weights, once they are the current ones. */
  private restoredStep: number | null = null;
  /** Why no step follows, while the test set is evaluated at the end. */
  private reason: StopReason = 'epochs';
  /** When the newest checkpoint was made, or the run began. */
  private checkpointMs = 0;

  /** `from` is the standing in one of the run's own checkpoints. */
  constructor(
    private readonly plan: TrainingPlan,
    from: Standing = beginning,
  ) {
    this.step_ = from.step;
    this.progress = from.state;
  }

  get position(): Position {
    const { stepsPerEpoch } = this.plan;
    return {
      step: this.step_,
      epoch: Math.floor(this.step_ / stepsPerEpoch),
      stepInEpoch: this.step_ % stepsPerEpoch,
    };
  }

  /** Losses and accuracies so far. */
  get findings(): TrainerState {
    return this.progress;
  }

  /** The number of updates that made the current weights: the position's step, except after the best were restored. */
  get weightsStep(): number {
    return this.restoredStep ?? this.step_;
  }

  /** The number of updates when nothing stops the run early. */
  get stepsPlanned(): number {
    return Math.min(this.plan.epochs * this.plan.stepsPerEpoch, this.plan.maxSteps ?? Number.POSITIVE_INFINITY);
  }

  /** True once the step that was under way at `pause` is finished. */
  get isPaused(): boolean {
    return this.state === 'paused';
  }

  /** The reason why no step follows, or null if one does. */
  get reasonToStop(): StopReason | null {
    const { plan, progress } = this;
    if (progress.unevaluated !== null) return null;
    const newest = newestEvaluation(progress);
    const isNewest = newest !== null && newest.step === this.step_;
    if (isNewest && plan.targetAccuracy !== undefined && newest.accuracy >= plan.targetAccuracy)
      return 'target-accuracy';
    if (isNewest && plan.patience !== undefined && progress.evaluationsSinceBest >= plan.patience) return 'converged';
    if (this.step_ >= plan.epochs * plan.stepsPerEpoch) return 'epochs';
    return this.step_ >= this.stepsPlanned ? 'max-steps' : null;
  }

  step(event: TrainerEvent): TrainerEffect[] {
    if (this.state === 'finished') return [];
    switch (event.type) {
      case 'start':
        return this.start(event.nowMs);
      case 'summed':
        return this.summed(event.score, event.nowMs);
      case 'evaluated':
        return this.state === 'testing' ? this.tested(event.score) : this.evaluated(event.score, event.nowMs);
      case 'diverged':
        return [...this.unrecorded(), ...this.finish('diverged')];
      case 'pause':
        this.pauseIsWanted = true;
        return [];
      case 'resume':
        this.pauseIsWanted = false;
        return this.state === 'paused' ? this.next() : [];
      case 'checkpoint':
        return this.state === 'testing' ? [] : [this.checkpoint(event.nowMs)];
      case 'interrupt':
        return this.interrupt();
      default:
        return event satisfies never;
    }
  }

  /** A resumed run may have to evaluate first, or may have no steps left. */
  private start(nowMs: number): TrainerEffect[] {
    assert(this.state === 'ready', 'a start while', this.state);
    this.checkpointMs = nowMs;
    return this.progress.unevaluated === null ? this.next() : this.evaluate();
  }

  private next(): TrainerEffect[] {
    const reason = this.reasonToStop;
    if (reason !== null) return this.conclude(reason);
    this.state = this.pauseIsWanted ? 'paused' : 'summing';
    if (this.state === 'paused') return [];
    return [{ type: 'step', position: this.position }];
  }

  private evaluate(): TrainerEffect[] {
    this.state = 'evaluating';
    return [{ type: 'evaluate', set: this.plan.judge, step: this.step_ }];
  }

  private summed(train: Score, nowMs: number): TrainerEffect[] {
    assert(this.state === 'summing', 'a sum arrived while', this.state);
    this.step_ += 1;
    const isDue = this.evaluationIsDue();
    const { firstLoss } = this.progress;
    if (isDue || firstLoss === null)
      this.progress = { ...this.progress, firstLoss: firstLoss ?? train.loss, unevaluated: isDue ? train : null };
    if (isDue) return [{ type: 'update' }, ...this.evaluate()];
    return [{ type: 'update' }, this.record(train), ...this.checkpointIfDue(nowMs), ...this.next()];
  }

  private evaluationIsDue(): boolean {
    if (this.step_ === this.stepsPlanned) return true;
    const every = this.plan.evaluateEvery === 'epoch' ? this.plan.stepsPerEpoch : this.plan.evaluateEvery;
    return this.step_ % every === 0;
  }

  private evaluated(score: Score, nowMs: number): TrainerEffect[] {
    const { bestLoss, bestAccuracy, best, evaluationsSinceBest, unevaluated } = this.progress;
    assert(this.state === 'evaluating' && unevaluated !== null, 'an evaluation arrived while', this.state);
    const { judge } = this.plan;
    const evaluation = { step: this.step_, ...score };
    const isBest = bestLoss === null || score.loss < bestLoss;
    this.progress = {
      ...this.progress,
      ...(judge === 'test' ? { test: score, testStep: this.step_ } : { validation: evaluation }),
      bestLoss: isBest ? score.loss : bestLoss,
      bestAccuracy: Math.max(bestAccuracy ?? 0, score.accuracy),
      best: isBest ? evaluation : best,
      evaluationsSinceBest: isBest ? 0 : evaluationsSinceBest + 1,
      unevaluated: null,
    };
    return [this.record(unevaluated, score), this.checkpoint(nowMs), ...this.next()];
  }

  /** No step follows. What is left to do is to choose the weights, and to evaluate a test set that did not judge. */
  private conclude(reason: StopReason): TrainerEffect[] {
    const { keep, judge } = this.plan;
    const { best } = this.progress;
    const effects: TrainerEffect[] = [];
    if (keep === 'best' && best !== undefined && best.step !== this.step_) {
      this.restoredStep = best.step;
      effects.push({ type: 'restore', step: best.step });
    }
    if (judge === 'test') return [...effects, ...this.finish(reason)];
    this.state = 'testing';
    this.reason = reason;
    return [...effects, { type: 'evaluate', set: 'test', step: this.weightsStep }];
  }

  private tested(score: Score): TrainerEffect[] {
    const step = this.weightsStep;
    this.progress = { ...this.progress, test: score, testStep: step };
    return [{ type: 'tested', evaluation: { step, ...score } }, ...this.finish(this.reason)];
  }

  /** The step before an unfinished evaluation counts. It is recorded without the evaluation. */
  private unrecorded(): TrainerEffect[] {
    const { unevaluated } = this.progress;
    return unevaluated === null ? [] : [this.record(unevaluated)];
  }

  private interrupt(): TrainerEffect[] {
    // The last evaluation has made a checkpoint, and the current weights may be the best ones instead of the last ones.
    if (this.state === 'testing') return this.finish('interrupted');
    return [...this.unrecorded(), this.checkpoint(this.checkpointMs), ...this.finish('interrupted')];
  }

  private checkpointIfDue(nowMs: number): TrainerEffect[] {
    return nowMs - this.checkpointMs >= this.plan.checkpointEveryMs ? [this.checkpoint(nowMs)] : [];
  }

  private checkpoint(nowMs: number): TrainerEffect {
    this.checkpointMs = nowMs;
    return { type: 'checkpoint', position: this.position, state: this.progress };
  }

  private record(train: Score, score?: Score): TrainerEffect {
    const epoch = Math.ceil(this.step_ / this.plan.stepsPerEpoch);
    const outcome = { type: 'record', step: this.step_, epoch, train } as const;
    return this.plan.judge === 'test'
      ? { ...outcome, test: score }
      : { ...outcome, validation: score, test: undefined };
  }

  private finish(reason: StopReason): TrainerEffect[] {
    this.state = 'finished';
    return [{ type: 'finish', reason }];
  }
}

/** The last step with a final line in the metrics. A step without its evaluation is recorded again with it. */
export function recordedStep({ step, state }: Standing): number {
  return state.unevaluated === null ? step : step - 1;
}

/** The newest evaluation of the set that judges. A run with a validation set evaluates the test set only at its end. */
export function newestEvaluation({ validation, test, testStep }: TrainerState): StepScore | null {
  if (validation !== undefined) return validation;
  return test === null || testStep === null ? null : { step: testStep, ...test };
}

/** Whether the weights after this step were evaluated, and have the lowest loss so far. */
export function isBest(step: number, state: TrainerState): boolean {
  return newestEvaluation(state)?.step === step && state.evaluationsSinceBest === 0;
}
