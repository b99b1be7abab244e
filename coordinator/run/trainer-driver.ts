/**
 * Drives a training run: asks the trainer what is next, lets the pool sum it, updates the weights, tells its observer.
 *
 * One step, from here to the kernels and back:
 * - `step` hands the whole mini-batch to the pool as one shard.
 * - The pool splits it over its members: threads of this machine, or workers elsewhere (shared/pool/pool.ts).
 * - Each member sums its shards (shared/compute/computer.ts).
 * - The partial sums are added along the canonical tree (shared/pool/pool-driver.ts), and come back to `summed`.
 * - The trainer then asks for the `update`.
 */

import type { Pointer } from '../../shared/arithmetic/kernels.js';
import type { Machine } from '../../shared/compute/machine.js';
import type { EvaluationSet } from '../../shared/data/dataset.js';
import { Deferred } from '../../shared/deferred.js';
import { EffectQueue } from '../../shared/effects.js';
import { rootShard } from '../../shared/pool/tree.js';
import { evaluationOf, scoreFloats } from '../../shared/work/kinds.js';
import type { Task } from '../../shared/work/task.js';
import type { Cause, Ending } from './ending.js';
import type {
  Position,
  Score,
  StepOutcome,
  StepScore,
  StopReason,
  Trainer,
  TrainerEffect,
  TrainerEvent,
  TrainerState,
} from './trainer.js';

/** What happens in a run, in order. */
export interface TrainerObserver {
  /** A mini-batch was handed to the pool. */
  stepStarted(task: Task): void;
  /** The weights are evaluated from now on. */
  evaluating(): void;
  /** A step is over, and perhaps evaluated. The weights in the workspace are those after it. */
  stepped(outcome: StepOutcome): void;
  /** The weights and the optimizer's state of this position are in the workspace now: copy them. */
  checkpoint(position: Position, state: TrainerState): void;
  /** The run keeps the best weights, which are those after `step` updates: put them into the workspace. */
  restore(step: number): void;
  /** The test set was evaluated at the end, with the weights that are in the workspace now. */
  tested(evaluation: StepScore): void;
}

export class TrainerDriver {
  private readonly effects = new EffectQueue<TrainerEffect>((effect) => this.carryOut(effect));
  private sum: { readonly at: Pointer; readonly terms: number; readonly step: number } | null = null;
  private job: number | null = null;
  private readonly over = new Deferred<StopReason>();

  constructor(
    private readonly machine: Machine,
    private readonly trainer: Trainer,
    private readonly nowMs: () => number,
    private readonly observer: TrainerObserver,
  ) {}

  /**
   * Trains until the trainer or `ending` ends the run. If `ending` ends it, the current step is dropped. If `ending`
   * was decided before this call, no step begins. Resolves with the reason. The weights are then in the workspace.
   * Rejects if something failed.
   */
  run(ending: Ending): Promise<StopReason> {
    this.machine.weightsChanged();
    if (ending.cause === null) this.send({ type: 'start', nowMs: this.nowMs() });
    ending.whenDecided((cause) => this.end(cause));
    return this.over.promise;
  }

  /** Finishes the current step, then waits for `resume`. */
  pause(): void {
    this.send({ type: 'pause' });
  }

  resume(): void {
    this.send({ type: 'resume' });
  }

  /** Asks for a checkpoint of the current position. */
  checkpoint(): void {
    this.send({ type: 'checkpoint', nowMs: this.nowMs() });
  }

  private end(cause: Cause): void {
    if (cause.type !== 'failed')
      return this.send(cause.type === 'interrupted' ? { type: 'interrupt' } : { type: 'diverged' });
    this.cancel();
    this.over.reject(cause.error);
  }

  private cancel(): void {
    if (this.job !== null) this.machine.pool.cancel(this.job);
    this.job = null;
  }

  private send(event: TrainerEvent): void {
    this.effects.push(this.trainer.step(event));
  }

  private carryOut(effect: TrainerEffect): void {
    switch (effect.type) {
      case 'step':
        return this.step(effect.position);
      case 'update':
        return this.update();
      case 'evaluate':
        return this.evaluate(effect.set, effect.step);
      case 'record':
        return this.observer.stepped(effect);
      case 'checkpoint':
        return this.observer.checkpoint(effect.position, effect.state);
      case 'restore':
        this.observer.restore(effect.step);
        return this.machine.weightsChanged();
      case 'tested':
        return this.observer.tested(effect.evaluation);
      case 'finish':
        this.cancel();
        return this.over.resolve(effect.reason);
      default:
        effect satisfies never;
    }
  }

  private step({ step, epoch, stepInEpoch }: Position): void {
    const slots = this.machine.orders.train.slotsIn(stepInEpoch);
    const task: Task = { work: 'gradient', step, epoch, stepInEpoch };
    const left = this.trainer.stepsPlanned - step - 1;
    this.job = this.machine.pool.run(task, rootShard(slots), slots, (sum) => this.summed(task, sum), left);
    this.observer.stepStarted(task);
  }

  private summed(task: Task, at: Pointer): void {
    this.job = null;
    const { partialFloats, parameters } = this.machine.workspace;
    this.machine.profile.enter('check');
    const finite = this.machine.kernels.allFinite(at, partialFloats) === 1;
    this.machine.profile.leave();
    if (!finite) {
      this.machine.buffers.release(at);
      return this.send({ type: 'diverged' });
    }
    const { train } = this.machine.orders;
    const samples = train.samplesIn(task.stepInEpoch);
    this.sum = { at, terms: train.termsIn(task.stepInEpoch), step: task.step };
    this.send({ type: 'summed', nowMs: this.nowMs(), score: this.score(at + 4 * parameters, samples) });
  }

  /** E4: the one place where weights change, from the root of the tree. */
  private update(): void {
    if (this.sum === null) return;
    const { buffers, profile } = this.machine;
    profile.enter('update');
    this.machine.update(this.sum.at, this.sum.terms, this.sum.step);
    profile.leave();
    buffers.release(this.sum.at);
    this.sum = null;
  }

  private evaluate(set: EvaluationSet, step: number): void {
    this.observer.evaluating();
    const order = this.machine.orders[set];
    const { slots } = order;
    const task: Task = { work: evaluationOf[set], step, epoch: 0, stepInEpoch: 0 };
    this.job = this.machine.pool.run(task, rootShard(slots), slots, (sum) => {
      this.job = null;
      const finite = this.machine.kernels.allFinite(sum, scoreFloats) === 1;
      const score = this.score(sum, order.samplesIn(0));
      this.machine.buffers.release(sum);
      this.send(finite ? { type: 'evaluated', nowMs: this.nowMs(), score } : { type: 'diverged' });
    });
  }

  /** Means, from the sum of losses and the number of correct predictions. */
  private score(sums: Pointer, samples: number): Score {
    const [loss, correct] = this.machine.floats(sums, scoreFloats);
    return { loss: loss / samples, accuracy: correct / samples };
  }
}
