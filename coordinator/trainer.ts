/**
 * The course of a training run: which step comes next, when to evaluate, when to checkpoint, when to stop.
 *
 * What this is: a synchronous, deterministic state machine over numbers. What this is not: it computes no gradient,
 * knows no worker, no file and no clock; `training.ts` drives it and carries its effects out.
 */
import { assert } from '../shared/assert.js';

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
}

/** Where a run stands: between two steps. */
export interface Position {
  /** Updates made so far. */
  readonly step: number;
  /** Epoch (from 0) and step in it (from 0) of the next step. */
  readonly epoch: number;
  readonly stepInEpoch: number;
}

/** What a trainer knows beside its position: with both, a run goes on where it stood. */
export interface TrainerState {
  /** Lowest test loss so far, null before the first evaluation; and the evaluations since. */
  readonly bestLoss: number | null;
  readonly evaluationsSinceBest: number;
}

export interface Score {
  /** Mean over the samples. */
  readonly loss: number;
  /** Fraction of samples whose class was found, 0..1. */
  readonly accuracy: number;
}

export type StopReason = 'epochs' | 'max-steps' | 'target-accuracy' | 'converged' | 'interrupted' | 'diverged';

export type TrainerEvent =
  | { readonly type: 'start' }
  /** The sum over the step's mini-batch is there and finite; `score` is the mini-batch's. */
  | { readonly type: 'summed'; readonly score: Score }
  /** The sum is not finite (E5). */
  | { readonly type: 'diverged' }
  | { readonly type: 'evaluated'; readonly score: Score }
  | { readonly type: 'interrupt' };

export type TrainerEffect =
  /** Have the mini-batch of this position summed. */
  | { readonly type: 'step'; readonly position: Position }
  /** Update the weights from the sum. */
  | { readonly type: 'update' }
  /** Have the test set evaluated with the present weights. */
  | { readonly type: 'evaluate' }
  /** A step is over: `step` counts it, `test` is there when it was evaluated. */
  | {
      readonly type: 'record';
      readonly step: number;
      readonly epoch: number;
      readonly train: Score;
      readonly test?: Score;
    }
  | { readonly type: 'checkpoint'; readonly position: Position; readonly state: TrainerState }
  /** The last effect of a run. */
  | { readonly type: 'finish'; readonly reason: StopReason };

export class Trainer {
  private step_ = 0;
  private state: 'ready' | 'summing' | 'evaluating' | 'finished' = 'ready';
  private lastTrain: Score | null = null;
  private lastTest_: Score | null = null;
  private progress: TrainerState = { bestLoss: null, evaluationsSinceBest: 0 };

  constructor(private readonly plan: TrainingPlan) {}

  get position(): Position {
    const { stepsPerEpoch } = this.plan;
    return {
      step: this.step_,
      epoch: Math.floor(this.step_ / stepsPerEpoch),
      stepInEpoch: this.step_ % stepsPerEpoch,
    };
  }

  /** The newest evaluation. */
  get lastTest(): Score | null {
    return this.lastTest_;
  }

  /** Updates that the run makes when nothing stops it early. */
  get stepsPlanned(): number {
    return Math.min(this.plan.epochs * this.plan.stepsPerEpoch, this.plan.maxSteps ?? Number.POSITIVE_INFINITY);
  }

  step(event: TrainerEvent): TrainerEffect[] {
    if (this.state === 'finished') return [];
    switch (event.type) {
      case 'start':
        return this.start();
      case 'summed':
        return this.summed(event.score);
      case 'evaluated':
        return this.evaluated(event.score);
      case 'diverged':
        return [...this.unrecorded(), ...this.finish('diverged')];
      case 'interrupt':
        return this.interrupt();
      default:
        return event satisfies never;
    }
  }

  /** A run that is resumed may have nothing left to do. */
  private start(): TrainerEffect[] {
    assert(this.state === 'ready', `a start while ${this.state}`);
    if (this.step_ < this.stepsPlanned) return this.next();
    return this.finish(this.step_ < this.plan.epochs * this.plan.stepsPerEpoch ? 'max-steps' : 'epochs');
  }

  private next(): TrainerEffect[] {
    this.state = 'summing';
    return [{ type: 'step', position: this.position }];
  }

  private summed(train: Score): TrainerEffect[] {
    assert(this.state === 'summing', `a sum arrived while ${this.state}`);
    this.step_ += 1;
    this.lastTrain = train;
    if (this.evaluationIsDue()) {
      this.state = 'evaluating';
      return [{ type: 'update' }, { type: 'evaluate' }];
    }
    return [{ type: 'update' }, this.record(train), ...this.next()];
  }

  private evaluationIsDue(): boolean {
    if (this.step_ === this.stepsPlanned) return true;
    const every = this.plan.evaluateEvery === 'epoch' ? this.plan.stepsPerEpoch : this.plan.evaluateEvery;
    return this.step_ % every === 0;
  }

  private evaluated(test: Score): TrainerEffect[] {
    assert(this.state === 'evaluating' && this.lastTrain !== null, `an evaluation arrived while ${this.state}`);
    this.lastTest_ = test;
    const { bestLoss, evaluationsSinceBest } = this.progress;
    const isBest = bestLoss === null || test.loss < bestLoss;
    this.progress = isBest
      ? { bestLoss: test.loss, evaluationsSinceBest: 0 }
      : { bestLoss, evaluationsSinceBest: evaluationsSinceBest + 1 };
    const record = this.record(this.lastTrain, test);
    const checkpoint = this.checkpoint();
    const reason = this.reasonToStop(test);
    return [record, checkpoint, ...(reason === null ? this.next() : this.finish(reason))];
  }

  private reasonToStop(test: Score): StopReason | null {
    const { plan } = this;
    if (plan.targetAccuracy !== undefined && test.accuracy >= plan.targetAccuracy) return 'target-accuracy';
    if (plan.patience !== undefined && this.progress.evaluationsSinceBest >= plan.patience) return 'converged';
    if (this.step_ === plan.epochs * plan.stepsPerEpoch) return 'epochs';
    return this.step_ === this.stepsPlanned ? 'max-steps' : null;
  }

  /** A step whose evaluation is under way has been made, and is recorded without it. */
  private unrecorded(): TrainerEffect[] {
    return this.state === 'evaluating' && this.lastTrain !== null ? [this.record(this.lastTrain)] : [];
  }

  private interrupt(): TrainerEffect[] {
    return [...this.unrecorded(), this.checkpoint(), ...this.finish('interrupted')];
  }

  private checkpoint(): TrainerEffect {
    return { type: 'checkpoint', position: this.position, state: this.progress };
  }

  private record(train: Score, test?: Score): TrainerEffect {
    const epoch = Math.ceil(this.step_ / this.plan.stepsPerEpoch);
    return { type: 'record', step: this.step_, epoch, train, ...(test && { test }) };
  }

  private finish(reason: StopReason): TrainerEffect[] {
    this.state = 'finished';
    return [{ type: 'finish', reason }];
  }
}
