/**
 * The figures of a run: a metrics line for each step, means between two evaluations, and the summary. What this is not:
 * it writes nothing and looks at no weights. The clock, hashes and the fleet's state are handed in.
 */
import type { EvaluationSet } from '../../shared/data/dataset.js';
import { shorter } from '../../shared/figures.js';
import { rateAt } from '../../shared/optimizer/schedule.js';
import type { AlarmName } from '../archive/alarms.js';
import type { ConfigFile, MetricsLine, Summary } from '../archive/config.js';
import { version } from '../version.js';
import { RateMeter } from './rate.js';
import type { RunWarning } from './run-event.js';
import type { FleetState } from './site.js';
import { newestEvaluation, type Score, type StepOutcome, type StopReason, type TrainerState } from './trainer.js';

const rateWindowMs = 1_000;

/** The loss of an evaluation this many times the first step's loss means that the learning rate is too large. */
const growthFactor = 3;

/** How many samples each step of an epoch has. */
export interface StepSizes {
  readonly stepsPerEpoch: number;
  samplesIn(stepInEpoch: number): number;
}

/** The figures that are known at the end of a run. */
export interface RunResult {
  readonly reason: StopReason;
  readonly steps: number;
  readonly findings: TrainerState;
  readonly weightsSha256: string;
  /** The number of updates that made these weights. */
  readonly weightsStep: number;
  readonly diskFaults: number;
}

/** What the steps between two evaluations have in common. */
export interface RecentMeans {
  readonly train: Score;
  /** The time of the evaluation counts, as in the summary. */
  readonly samplesPerSecond: number;
}

export class Recorder {
  private startMs: number;
  private rate: RateMeter;
  /** Sums over the steps since the last evaluation, and when that ended. */
  private recent = { steps: 0, samples: 0, loss: 0, accuracy: 0, sinceMs: 0 };
  private hasGrown = false;
  /** When the evaluation under way began. Null while there is none. */
  private evaluatingSinceMs: number | null = null;

  /** `resumedAtStep` is the step at which this process resumed the run, or null if it began the run. */
  constructor(
    private readonly config: ConfigFile,
    private readonly sizes: StepSizes,
    private readonly resumedAtStep: number | null,
    private readonly nowMs: () => number,
  ) {
    this.startMs = nowMs();
    this.recent.sinceMs = this.startMs;
    this.rate = new RateMeter(rateWindowMs, this.startMs);
  }

  /** Training begins: earlier time counts neither for the duration nor for the rate. */
  begin(): void {
    this.startMs = this.nowMs();
    this.recent.sinceMs = this.startMs;
    this.rate = new RateMeter(rateWindowMs, this.startMs);
  }

  /** Over about the last second of training. An evaluation is no training. */
  get samplesPerSecond(): number {
    return Math.round(this.rate.perSecond(this.evaluatingSinceMs ?? this.nowMs()));
  }

  /** The evaluation after a step begins. It is over when the step is recorded. */
  evaluating(): void {
    this.evaluatingSinceMs = this.nowMs();
  }

  /** A step is over. `weightsSha256` is there when the step was evaluated. */
  stepped(
    { step, epoch, train, validation, test }: StepOutcome,
    fleet: FleetState,
    alarms: readonly AlarmName[],
    weightsSha256: string | undefined,
  ): MetricsLine {
    const nowMs = this.nowMs();
    const trainedMs = this.evaluatingSinceMs ?? nowMs;
    this.evaluatingSinceMs = null;
    const samples = this.sizes.samplesIn((step - 1) % this.sizes.stepsPerEpoch);
    this.rate.add(samples, trainedMs);
    this.recent.steps += 1;
    this.recent.samples += samples;
    this.recent.loss += train.loss;
    this.recent.accuracy += train.accuracy;
    // Fields are set one by one: objects made by spreading, one a step, were most of the garbage collector's work.
    const line: { -readonly [Field in keyof MetricsLine]: MetricsLine[Field] } = {
      step,
      epoch,
      loss: train.loss,
      trainAccuracy: train.accuracy,
      samplesPerSecond: Math.round(this.rate.perSecond(trainedMs)),
      workers: fleet.workers,
      bytesSent: fleet.traffic.bytesSent,
      bytesReceived: fleet.traffic.bytesReceived,
    };
    if (fleet.threads) line.threads = fleet.threads;
    if (trainedMs < nowMs) this.rate.skip(nowMs - trainedMs);
    const rate = this.learningRate(step - 1);
    if (rate !== null) line.rate = rate;
    if (alarms.length > 0) line.alarms = alarms;
    if (validation !== undefined) {
      line.validationLoss = validation.loss;
      line.validationAccuracy = validation.accuracy;
    }
    if (test !== undefined) {
      line.testLoss = test.loss;
      line.testAccuracy = test.accuracy;
    }
    if (weightsSha256 !== undefined) line.weightsSha256 = weightsSha256;
    return line;
  }

  /** The learning rate of the step after `updates` others. Null if all steps have the same. */
  private learningRate(updates: number): number | null {
    const { optimizer, schedule, epochs } = this.config;
    if (schedule === undefined) return null;
    const { stepsPerEpoch } = this.sizes;
    return shorter(rateAt(optimizer.rate, { schedule, epochs, stepsPerEpoch }, updates));
  }

  /** Means over the steps since the last call, which was at the evaluation before. */
  meanOfRecent(): RecentMeans {
    const { steps, samples, loss, accuracy, sinceMs } = this.recent;
    const nowMs = this.nowMs();
    this.recent = { steps: 0, samples: 0, loss: 0, accuracy: 0, sinceMs: nowMs };
    const samplesPerSecond = nowMs > sinceMs ? Math.round((1000 * samples) / (nowMs - sinceMs)) : 0;
    return { train: { loss: loss / steps, accuracy: accuracy / steps }, samplesPerSecond };
  }

  /** A warning, given once, that the loss grows. It comes long before the numbers leave the range of float32 (E5). */
  growth(set: EvaluationSet, loss: number, firstLoss: number | null): RunWarning | null {
    if (firstLoss === null || this.hasGrown || loss < growthFactor * firstLoss) return null;
    this.hasGrown = true;
    return { code: 'loss-grows', set, loss, firstLoss, rate: this.config.optimizer.rate };
  }

  summary({ reason, steps, findings, weightsSha256, weightsStep, diskFaults }: RunResult): Summary {
    const seconds = (this.nowMs() - this.startMs) / 1000;
    const { dataset, arithmetic } = this.config;
    return {
      weightsSha256,
      weightsStep,
      datasetSha256: dataset.sha256,
      arithmetic,
      version,
      ...this.scores(findings, weightsStep),
      steps,
      epochs: steps / this.sizes.stepsPerEpoch,
      seconds,
      samplesPerSecond: Math.round(this.rate.samples / seconds),
      stopReason: reason,
      resumedAtStep: this.resumedAtStep,
      diskFaults,
    };
  }

  /** The scores of the weights that the run ends with, and those that it may be compared with. */
  private scores(findings: TrainerState, weightsStep: number) {
    const { best = null, bestAccuracy, test } = findings;
    const last = newestEvaluation(findings);
    const judged = best?.step === weightsStep ? best : last;
    const [loss, accuracy] = [judged?.loss ?? null, judged?.accuracy ?? null];
    if (this.config.dataset.validation === undefined) {
      return { testAccuracy: accuracy, testLoss: loss, bestTestAccuracy: bestAccuracy, last, best };
    }
    return {
      testAccuracy: test?.accuracy ?? null,
      testLoss: test?.loss ?? null,
      bestTestAccuracy: null,
      validationAccuracy: accuracy,
      validationLoss: loss,
      bestValidationAccuracy: bestAccuracy,
      last,
      best,
    };
  }
}
