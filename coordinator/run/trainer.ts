/**
 * The course of a training run: which step comes next, when to evaluate, when to checkpoint, when to stop.
 *
 * What this is: a synchronous, deterministic state machine over numbers. What this is not: it computes no gradient,
 * knows no worker, no file and no clock; `trainer-driver.ts` drives it and carries its effects out.
 */
import { assert } from '../../shared/assert.js';

/** What determines the course of a run. */
export interface TrainingPlan {
  readonly stepsPerEpoch: number;
  readonly epochs: number;
  /** Ends the run early; undefined: no limit. */
  readonly maxSteps?: number | undefined;
  /** At the end of every epoch, or after this many steps. */
  readonly evaluateEvery: 'epoch' | number;
  /** Stops when the test accuracy reaches it (0..1). */
  readonly targetAccuracy?: number | undefined;
  /** Stops when this many evaluations in a row bring no lower test loss. */
  readonly patience?: number | undefined;
  /** Longest time between two checkpoints, as long as steps are made. */
  readonly checkpointEveryMs: number;
}

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

/** The result of a step. `step` and `epoch` count from 1. `test` is present if the step was evaluated. */
export interface StepOutcome {
  readonly step: number;
  readonly epoch: number;
  readonly train: Score;
  readonly test: Score | undefined;
}

/** The other data that a trainer needs to go on from a position. Plain data, which checkpoints keep. */
export interface TrainerState {
  /** Loss of the first step. Later losses are compared with it. */
  readonly firstLoss: number | null;
  /** Lowest test loss and highest test accuracy so far, null before the first evaluation. */
  readonly bestLoss: number | null;
  readonly bestAccuracy: number | null;
  /** Evaluations after the one with the lowest loss. */
  readonly evaluationsSinceBest: number;
  /** The newest evaluation, and the step after which it was made. */
  readonly test: Score | null;
  readonly testStep: number | null;
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
  /** Evaluate the test set with the current weights. */
  | { readonly type: 'evaluate' }
  | ({ readonly type: 'record' } & StepOutcome)
  | { readonly type: 'checkpoint'; readonly position: Position; readonly state: TrainerState }
  /** The last effect of a run. */
  | { readonly type: 'finish'; readonly reason: StopReason };

export class Trainer {
  private step_: number;
  private progress: TrainerState;
  private state: 'ready' | 'summing' | 'evaluating' | 'paused' | 'finished' = 'ready';
  private pauseIsWanted = false;
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
    const isNewest = progress.test !== null && progress.testStep === this.step_;
    if (isNewest && plan.targetAccuracy !== undefined && progress.test.accuracy >= plan.targetAccuracy)
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
        return this.evaluated(event.score, event.nowMs);
      case 'diverged':
        return [...this.unrecorded(), ...this.finish('diverged')];
      case 'pause':
        this.pauseIsWanted = true;
        return [];
      case 'resume':
        this.pauseIsWanted = false;
        return this.state === 'paused' ? this.next() : [];
      case 'checkpoint':
        return [this.checkpoint(event.nowMs)];
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
    if (reason !== null) return this.finish(reason);
    this.state = this.pauseIsWanted ? 'paused' : 'summing';
    if (this.state === 'paused') return [];
    return [{ type: 'step', position: this.position }];
  }

  private evaluate(): TrainerEffect[] {
    this.state = 'evaluating';
    return [{ type: 'evaluate' }];
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

  private evaluated(test: Score, nowMs: number): TrainerEffect[] {
    const { bestLoss, bestAccuracy, evaluationsSinceBest, unevaluated } = this.progress;
    assert(this.state === 'evaluating' && unevaluated !== null, 'an evaluation arrived while', this.state);
    const isBest = bestLoss === null || test.loss < bestLoss;
    this.progress = {
      ...this.progress,
      bestLoss: isBest ? test.loss : bestLoss,
      bestAccuracy: Math.max(bestAccuracy ?? 0, test.accuracy),
      evaluationsSinceBest: isBest ? 0 : evaluationsSinceBest + 1,
      test,
      testStep: this.step_,
      unevaluated: null,
    };
    return [this.record(unevaluated, test), this.checkpoint(nowMs), ...this.next()];
  }

  /** The step before an unfinished evaluation counts. It is recorded without the evaluation. */
  private unrecorded(): TrainerEffect[] {
    const { unevaluated } = this.progress;
    return unevaluated === null ? [] : [this.record(unevaluated)];
  }

  private interrupt(): TrainerEffect[] {
    return [...this.unrecorded(), this.checkpoint(this.checkpointMs), ...this.finish('interrupted')];
  }

  private checkpointIfDue(nowMs: number): TrainerEffect[] {
    return nowMs - this.checkpointMs >= this.plan.checkpointEveryMs ? [this.checkpoint(nowMs)] : [];
  }

  private checkpoint(nowMs: number): TrainerEffect {
    this.checkpointMs = nowMs;
    return { type: 'checkpoint', position: this.position, state: this.progress };
  }

  private record(train: Score, test?: Score): TrainerEffect {
    const epoch = Math.ceil(this.step_ / this.plan.stepsPerEpoch);
    return { type: 'record', step: this.step_, epoch, train, test };
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

/** Whether the weights after this step were evaluated, and have the lowest test loss so far. */
export function isBest(step: number, { testStep, evaluationsSinceBest }: TrainerState): boolean {
  return testStep === step && evaluationsSinceBest === 0;
}
