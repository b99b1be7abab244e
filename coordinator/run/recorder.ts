/** What a run tells: its log, its metrics, its checkpoints, its summary. Nothing here changes the training. */
import { basename, join } from 'node:path';
import type { Machine } from '../../shared/compute/machine.js';
import type { Platform } from '../../shared/compute/platform.js';
import type { Traffic } from '../../shared/fleet/fleet.js';
import type { Alarms } from '../archive/alarms.js';
import type { MetricsLine, Summary } from '../archive/config.js';
import { weightsSha256 } from '../archive/floats.js';
import { readMetrics } from '../archive/metrics-log.js';
import type { RunDirectory } from '../archive/run-directory.js';
import { type Log, plural } from '../cli/log.js';
import { version } from '../version.js';
import { RateMeter } from './rate.js';
import type { RunSetup } from './setup.js';
import { isBest, type Position, type Score, type StopReason, type Trainer, type TrainerState } from './trainer.js';

const rateWindowMs = 1_000;

/** A test loss so many times that of the first step means that the learning rate is too large. */
const growthFactor = 3;

/** Who computes, and what it has cost the network so far. */
export interface FleetState {
  readonly workers: number;
  readonly traffic: Readonly<Traffic>;
}

export class Recorder {
  private startMs: number;
  private rate: RateMeter;
  /** Sums over the steps since the last evaluation. */
  private recent = { steps: 0, loss: 0, accuracy: 0 };
  private hasGrown = false;

  /** Where this process took the run up; null if it began it. */
  private readonly resumedAtStep: number | null;

  constructor(
    private readonly setup: RunSetup,
    private readonly log: Log,
    private readonly platform: Platform,
    private readonly files: RunDirectory,
    private readonly trainer: Trainer,
    isResumed: boolean,
  ) {
    this.resumedAtStep = isResumed ? trainer.position.step : null;
    this.startMs = platform.nowMs();
    this.rate = new RateMeter(rateWindowMs, this.startMs);
  }

  /** Training begins: what came before counts neither to its time nor to its rate. */
  begin(): void {
    this.startMs = this.platform.nowMs();
    this.rate = new RateMeter(rateWindowMs, this.startMs);
  }

  get directory(): string {
    return this.files.path;
  }

  /** What the disk refuses at present, and how often it did. */
  get alarms(): Pick<Alarms, 'active' | 'faults'> {
    return this.files.alarms;
  }

  /** The run's name: that of its directory. */
  get name(): string {
    return basename(this.files.path);
  }

  /** Over about the last second. */
  get samplesPerSecond(): number {
    return Math.round(this.rate.perSecond(this.platform.nowMs()));
  }

  /** What was recorded before this process took the run up. */
  history(): MetricsLine[] {
    return this.resumedAtStep === null ? [] : readMetrics(this.files.metricsPath);
  }

  /** The path of metrics.jsonl, once all lines recorded so far are in it. */
  async metrics(): Promise<string> {
    await this.files.flush();
    return this.files.metricsPath;
  }

  /** A step is over; the weights in the workspace are those after it. Returns what was recorded of it. */
  stepped(
    machine: Machine,
    fleet: FleetState,
    step: number,
    epoch: number,
    train: Score,
    test: Score | undefined,
  ): MetricsLine {
    const nowMs = this.platform.nowMs();
    this.rate.add(machine.orders.train.samplesIn((step - 1) % machine.orders.train.stepsPerEpoch), nowMs);
    this.recent.steps += 1;
    this.recent.loss += train.loss;
    this.recent.accuracy += train.accuracy;
    const samplesPerSecond = Math.round(this.rate.perSecond(nowMs));
    // Shapes that are made by spreading, once for each step, were most of what the garbage collector had to keep.
    const line: { -readonly [Field in keyof MetricsLine]: MetricsLine[Field] } = {
      step,
      epoch,
      loss: train.loss,
      trainAccuracy: train.accuracy,
      samplesPerSecond,
      workers: fleet.workers,
      bytesSent: fleet.traffic.bytesSent,
      bytesReceived: fleet.traffic.bytesReceived,
    };
    if (this.alarms.active.length > 0) line.alarms = this.alarms.active;
    if (test !== undefined) {
      line.testLoss = test.loss;
      line.testAccuracy = test.accuracy;
      line.weightsSha256 = this.hash(machine);
    }
    this.files.record(line);
    this.showProgress(step, epoch, train, samplesPerSecond);
    if (test !== undefined) this.evaluated(line, test);
    return line;
  }

  /** Copies what a checkpoint holds out of the workspace, and has it written. A fault is an alarm, not an end. */
  checkpoint(machine: Machine, position: Position, state: TrainerState): void {
    const { weights, velocity, parameters } = machine.workspace;
    const best = isBest(position.step, state);
    const [w, v] = [machine.floats(weights, parameters), machine.floats(velocity, parameters)];
    this.files.checkpoint(position, w, v, { state, best });
  }

  /** Writes what remains to be written, and says how the run ended. Throws `output-unwritable`. */
  async finish(machine: Machine, reason: StopReason): Promise<Summary> {
    this.log.bar?.stop();
    const summary = this.summarise(machine, reason);
    const { weights, parameters } = machine.workspace;
    await this.files.finish(summary, machine.floats(weights, parameters));
    if (reason !== 'diverged') this.log.logger.info({ ...summary, run: this.directory }, this.farewell(summary));
    return summary;
  }

  private evaluated(line: MetricsLine, test: Score): void {
    const { steps, loss, accuracy } = this.recent;
    this.warnOfGrowth(test.loss);
    const fields = { ...line, loss: loss / steps, trainAccuracy: accuracy / steps };
    this.recent = { steps: 0, loss: 0, accuracy: 0 };
    this.log.logger.info(
      fields,
      `epoch ${line.epoch}/${this.setup.plan.epochs}, step ${line.step}: loss ${fields.loss.toFixed(4)}, ` +
        `train ${percent(fields.trainAccuracy)}, test ${percent(test.accuracy)} (loss ${test.loss.toFixed(4)}), ` +
        `${count(line.samplesPerSecond)} samples/s, ${plural(line.workers, 'worker')}`,
    );
  }

  /** Numbers may grow for long before they leave their range (E5): said once, as soon as it shows. */
  private warnOfGrowth(testLoss: number): void {
    const { firstLoss } = this.trainer.findings;
    if (firstLoss === null || this.hasGrown || testLoss < growthFactor * firstLoss) return;
    this.hasGrown = true;
    const { rate } = this.setup.optimizer;
    this.log.logger.warn(
      `the test loss is ${(testLoss / firstLoss).toFixed(0)} times the loss of the first step: training does not ` +
        `converge; try a smaller learning rate (--lr ${shorter(rate / 10)} instead of ${shorter(rate)})`,
    );
  }

  private showProgress(step: number, epoch: number, train: Score, samplesPerSecond: number): void {
    const { bar } = this.log;
    if (bar === null) return;
    const { epochs, stepsPerEpoch } = this.setup.plan;
    const detail = `loss ${train.loss.toFixed(4)} | ${count(samplesPerSecond)} samples/s`;
    const inEpoch = step - (epoch - 1) * stepsPerEpoch;
    bar.update(`epoch ${epoch}/${epochs}`, stepsPerEpoch, inEpoch, detail);
  }

  private summarise(machine: Machine, stopReason: StopReason): Summary {
    const seconds = (this.platform.nowMs() - this.startMs) / 1000;
    const { step } = this.trainer.position;
    const { test, bestAccuracy } = this.trainer.findings;
    const { dataset, kernelsSha256 } = this.setup.config;
    return {
      weightsSha256: this.hash(machine),
      datasetSha256: dataset.sha256,
      kernelsSha256,
      version,
      testAccuracy: test?.accuracy ?? null,
      testLoss: test?.loss ?? null,
      bestTestAccuracy: bestAccuracy,
      steps: step,
      epochs: step / this.setup.plan.stepsPerEpoch,
      seconds,
      samplesPerSecond: Math.round(this.rate.samples / seconds),
      stopReason,
      resumedAtStep: this.resumedAtStep,
      diskFaults: this.alarms.faults,
    };
  }

  private farewell({ testAccuracy, seconds, weightsSha256: hash, stopReason, steps }: Summary): string {
    const accuracy = testAccuracy === null ? 'not evaluated' : `test accuracy ${percent(testAccuracy)}`;
    const what = `${endings[stopReason]} after ${plural(steps, 'step')} and ${seconds.toFixed(1)} s: ${accuracy}`;
    const model = join(this.directory, 'model.safetensors');
    const next = stopReason === 'interrupted' ? `go on with --resume ${this.directory}` : `use ${model}`;
    return `${what}, weights ${hash}; run in ${this.directory}; next: ${next}`;
  }

  private hash(machine: Machine): string {
    const { weights, parameters } = machine.workspace;
    return weightsSha256(machine.floats(weights, parameters));
  }
}

const endings: Record<StopReason, string> = {
  epochs: 'done',
  'max-steps': 'stopped at --max-steps',
  'target-accuracy': 'reached --target-accuracy',
  converged: 'converged',
  interrupted: 'interrupted',
  diverged: 'diverged',
};

function percent(fraction: number): string {
  return `${(100 * fraction).toFixed(2)} %`;
}

/** A float32 as people wrote it: 0.1, not 0.10000000149. */
export function shorter(x: number): number {
  return Number(x.toPrecision(6));
}

function count(x: number): string {
  return x.toLocaleString('en-US');
}
