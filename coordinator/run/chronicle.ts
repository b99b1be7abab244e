/**
 * Reports what happens in a training as events, and hands checkpoints, the model and the summary to the run directory.
 * Nothing here changes the training.
 */
import type { Pointer } from '../../shared/arithmetic/kernels.js';
import { assert } from '../../shared/assert.js';
import type { Machine } from '../../shared/compute/machine.js';
import type { Task } from '../../shared/work/task.js';
import type { MetricsLine, Summary } from '../archive/config.js';
import { weightsSha256 } from '../archive/floats.js';
import type { RunDirectory } from '../archive/run-directory.js';
import type { BestWeights } from './best-weights.js';
import type { Recorder } from './recorder.js';
import type { RunListener } from './run-event.js';
import type { RunSetup } from './setup.js';
import type { Site } from './site.js';
import {
  isBest,
  type Position,
  type StepOutcome,
  type StepScore,
  type StopReason,
  type Trainer,
  type TrainerState,
} from './trainer.js';
import type { TrainerObserver } from './trainer-driver.js';

export interface ChronicleParts {
  readonly setup: RunSetup;
  readonly machine: Machine;
  readonly trainer: Trainer;
  readonly directory: RunDirectory;
  readonly recorder: Recorder;
  readonly site: Site;
  readonly emit: RunListener;
  /** The best weights so far, in a run that ends with them. */
  readonly best: BestWeights;
}

export class Chronicle implements TrainerObserver {
  constructor(private readonly parts: ChronicleParts) {}

  stepStarted(task: Task): void {
    this.parts.site.stepStarted(task);
  }

  evaluating(): void {
    this.parts.recorder.evaluating();
  }

  stepped(outcome: StepOutcome): void {
    const { machine, recorder, directory, site, emit } = this.parts;
    const { validation, test } = outcome;
    machine.profile.enter('record');
    if (test !== undefined) site.evaluated(test.accuracy);
    const isEvaluated = (validation ?? test) !== undefined;
    const hash = isEvaluated ? this.hash() : undefined;
    const line = recorder.stepped(outcome, site, directory.alarms.active, hash);
    emit({ type: 'stepped', line });
    if (isEvaluated) this.evaluated(line, outcome);
    machine.profile.leave();
  }

  /** Copies the vectors before it returns, and writes them in the background. A fault is an alarm: training goes on. */
  checkpoint(position: Position, state: TrainerState): void {
    const { machine, directory, setup } = this.parts;
    const { weights, vectors, parameters } = machine.workspace;
    const best = isBest(position.step, state);
    const floats = (at: Pointer) => machine.floats(at, parameters);
    if (best && setup.plan.keep === 'best') this.parts.best.become(position.step, floats(weights));
    directory.checkpoint(position, floats(weights), vectors.map(floats), { state, best });
  }

  restore(step: number): void {
    const { machine, best } = this.parts;
    const { weights, parameters } = machine.workspace;
    const kept = best.at(step);
    assert(kept !== null, 'the best weights are not those after step', step);
    machine.floats(weights, parameters).set(kept);
  }

  tested(evaluation: StepScore): void {
    const { site, emit } = this.parts;
    site.evaluated(evaluation.accuracy);
    emit({ type: 'tested', evaluation });
  }

  /** Waits for what is being written, then writes model and summary. Rejects with `output-unwritable`. */
  async finish(reason: StopReason): Promise<Summary> {
    const { machine, trainer, directory, recorder } = this.parts;
    const { position, findings } = trainer;
    const hash = this.hash();
    const { faults } = directory.alarms;
    const summary = recorder.summary({
      reason,
      steps: position.step,
      findings,
      weightsSha256: hash,
      weightsStep: trainer.weightsStep,
      diskFaults: faults,
    });
    const { weights, parameters } = machine.workspace;
    await directory.finish(summary, machine.floats(weights, parameters));
    return summary;
  }

  private evaluated(line: MetricsLine, outcome: StepOutcome): void {
    const { recorder, trainer, setup, emit } = this.parts;
    const { judge, epochs } = setup.plan;
    const [validation, test] = [outcome.validation ?? null, outcome.test ?? null];
    const score = validation ?? test;
    const warning = score && recorder.growth(judge, score.loss, trainer.findings.firstLoss);
    if (warning !== null) emit({ type: 'warned', warning });
    emit({ type: 'evaluated', line, ...recorder.meanOfRecent(), validation, test, epochs });
  }

  private hash(): string {
    const { machine } = this.parts;
    const { weights, parameters } = machine.workspace;
    return weightsSha256(machine.floats(weights, parameters));
  }
}
