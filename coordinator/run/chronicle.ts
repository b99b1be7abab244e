/**
 * Reports what happens in a training as events, and hands checkpoints, the model and the summary to the run directory.
 * Nothing here changes the training.
 */
import type { Pointer } from '../../shared/arithmetic/kernels.js';
import type { Machine } from '../../shared/compute/machine.js';
import type { Task } from '../../shared/work/task.js';
import type { MetricsLine, Summary } from '../archive/config.js';
import { weightsSha256 } from '../archive/floats.js';
import type { RunDirectory } from '../archive/run-directory.js';
import type { Recorder } from './recorder.js';
import type { RunListener } from './run-event.js';
import type { RunSetup } from './setup.js';
import type { Site } from './site.js';
import type { TrainerState } from './trainer.js';
import { isBest, type Position, type Score, type StepOutcome, type StopReason, type Trainer } from './trainer.js';
import type { TrainerObserver } from './trainer-driver.js';

export interface ChronicleParts {
  readonly setup: RunSetup;
  readonly machine: Machine;
  readonly trainer: Trainer;
  readonly directory: RunDirectory;
  readonly recorder: Recorder;
  readonly site: Site;
  readonly emit: RunListener;
}

export class Chronicle implements TrainerObserver {
  constructor(private readonly parts: ChronicleParts) {}

  stepStarted(task: Task): void {
    this.parts.site.stepStarted(task);
  }

  stepped(outcome: StepOutcome): void {
    const { machine, recorder, directory, site, emit } = this.parts;
    const { test } = outcome;
    machine.profile.enter('record');
    if (test !== undefined) site.evaluated(test.accuracy);
    const hash = test === undefined ? undefined : this.hash();
    const line = recorder.stepped(outcome, site, directory.alarms.active, hash);
    emit({ type: 'stepped', line });
    if (test !== undefined) this.evaluated(line, test);
    machine.profile.leave();
  }

  /** Copies the vectors before it returns, and writes them in the background. A fault is an alarm: training goes on. */
  checkpoint(position: Position, state: TrainerState): void {
    const { machine, directory } = this.parts;
    const { weights, vectors, parameters } = machine.workspace;
    const best = isBest(position.step, state);
    const floats = (at: Pointer) => machine.floats(at, parameters);
    directory.checkpoint(position, floats(weights), vectors.map(floats), { state, best });
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
      diskFaults: faults,
    });
    const { weights, parameters } = machine.workspace;
    await directory.finish(summary, machine.floats(weights, parameters));
    return summary;
  }

  private evaluated(line: MetricsLine, test: Score): void {
    const { recorder, trainer, setup, emit } = this.parts;
    const warning = recorder.growth(test.loss, trainer.findings.firstLoss);
    if (warning !== null) emit({ type: 'warned', warning });
    emit({ type: 'evaluated', line, train: recorder.meanOfRecent(), test, epochs: setup.plan.epochs });
  }

  private hash(): string {
    const { machine } = this.parts;
    const { weights, parameters } = machine.workspace;
    return weightsSha256(machine.floats(weights, parameters));
  }
}
