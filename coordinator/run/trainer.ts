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
  /** Ends the run early; undefined: no such bound. */
  readonly maxSteps?: number | undefined;
  /** At the end of every epoch, or every so many steps. */
  readonly evaluateEvery: 'epoch' | number;
  /** Stops when the test accuracy reaches it (0..1). */
  readonly targetAccuracy?: number | undefined;
  /** Stops when so many evaluations in a row bring no lower test loss. */
  readonly patience?: number | undefined;
  /** Longest time between two checkpoints, as long as steps are made. */
  readonly checkpointEveryMs: number;
}

/** Where a run stands: between two steps. */
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

/** What a step came to: `step` counts it, `epoch` is from 1, `test` is there when the step was evaluated. */
export interface StepOutcome {
  readonly step: number;
  readonly epoch: number;
  readonly train: Score;
  readonly test: Score | undefined;
}

/** What a trainer knows beside its position: with both, a run goes on where it stood. Plain data, kept in checkpoints. */
export interface TrainerState {
  /** Of the first step: what later losses are held against. */
  readonly firstLoss: number | null;
  /** Lowest test loss and highest test accuracy so far, null before the first evaluation. */
  readonly bestLoss: number | null;
  readonly bestAccuracy: number | null;
  /** Evaluations since that of the lowest loss. */
  readonly evaluationsSinceBest: number;
  /** The newest evaluation, and the step it was made after. */
  readonly test: Score | null;
  readonly testStep: number | null;
  /** The last step's score while the evaluation that is due after it has not been made, else null. */
  readonly unevaluated: Score | null;
}

/** Where a run that goes on was left. */
export interface Standing {
  readonly step: number;
  readonly state: TrainerState;
}

/** Where a run begins. */
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

/** `nowMs` is any monotonic clock's. */
export type TrainerEvent =
  | { readonly type: 'start'; readonly nowMs: number }
  /** The sum over the step's mini-batch is there and finite; `score` is the mini-batch's. */
  | { readonly type: 'summed'; readonly nowMs: number; readonly score: Score }
  /** The sum is not finite (E5). */
  | { readonly type: 'diverged' }
  | { readonly type: 'evaluated'; readonly nowMs: number; readonly score: Score }
  /** Make no step after the one under way, until `resume`. */
  | { readonly type: 'pause' }
  | { readonly type: 'resume' }
  /** Somebody wants a checkpoint now. */
  | { readonly type: 'checkpoint'; readonly nowMs: number }
  | { readonly type: 'interrupt' };

export type TrainerEffect =
  /** Have the mini-batch of this position summed. */
  | { readonly type: 'step'; readonly position: Position }
  /** Update the weights from the sum. */
  | { readonly type: 'update' }
  /** Have the test set evaluated with the present weights. */
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

  /** `from` is where the run was left, at a checkpoint of its own. */
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

  /** What was found so far. */
  get findings(): TrainerState {
    return this.progress;
  }

  /** Updates that the run makes when nothing stops it early. */
  get stepsPlanned(): number {
    return Math.min(this.plan.epochs * this.plan.stepsPerEpoch, this.plan.maxSteps ?? Number.POSITIVE_INFINITY);
  }

  /** True from the end of the step that was under way. */
  get isPaused(): boolean {
    return this.state === 'paused';
  }

  /** Why there is nothing to do, or null while there is. */
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

  /** A run that is resumed may have an evaluation to make first, or nothing left to do. */
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

  /** A step whose evaluation is under way has been made, and is recorded without it. */
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

/** The last step whose line in the metrics is final: one that lacks its evaluation is recorded anew with it. */
export function recordedStep({ step, state }: Standing): number {
  return state.unevaluated === null ? step : step - 1;
}

/** Whether these weights are the best so far: they were evaluated, and none before them had as low a loss. */
export function isBest(step: number, { testStep, evaluationsSinceBest }: TrainerState): boolean {
  return testStep === step && evaluationsSinceBest === 0;
}
