/** Shows a run directory to the web server. State, weights and evaluation are like those of a live run. */

import { epochShape } from '../../shared/data/order.js';
import { limits } from '../../shared/limits.js';
import type { MetricsLine } from '../archive/config.js';
import type { StopReason } from '../run/trainer.js';
import { Course } from '../web/course.js';
import { Editions } from '../web/editions.js';
import type { Alarm, CurvePoint, RunPhase, RunState } from '../web/state.js';
import type { Edition, Mark, Refusal, ViewedRun } from '../web/viewed-run.js';
import type { Comparable } from './comparison.js';
import type { Evaluator } from './evaluator.js';
import { RecordedEvaluation } from './recorded-evaluation.js';
import type { LookListener, RecordedRun } from './recorded-run.js';
import { RecordedWeights } from './recorded-weights.js';

export interface ViewConfig {
  readonly evaluator: Evaluator;
  /** The directory of the data set, or null if the user names none. */
  readonly data: string | null;
  /** Number of runs that the viewer shows. */
  readonly runs: number;
  /** Returns the milliseconds since 1970. */
  readonly clock: () => number;
}

export class ViewedDirectory implements ViewedRun, LookListener {
  private readonly course = new Course();
  private readonly stored: RecordedWeights;
  private readonly evaluations: RecordedEvaluation;
  private alarms: Alarm[] = [];

  constructor(
    private readonly run: RecordedRun,
    private readonly config: ViewConfig,
  ) {
    this.stored = new RecordedWeights(run, (message) => this.faulty(message));
    this.evaluations = new RecordedEvaluation(run, config.evaluator, config.data);
  }

  /** Reads what is new in the directory. Never rejects. */
  async look(): Promise<void> {
    await this.run.look(this);
  }

  // ---- from the files ----

  restarted(): void {
    this.course.restart();
  }

  stepped(line: MetricsLine): void {
    this.course.follow(line);
    for (const alarm of line.alarms ?? []) this.faulty(`the disk of the run refused ${alarm} at some time`);
  }

  faulty(text: string): void {
    if (this.alarms.some((alarm) => alarm.text === text)) return;
    this.alarms.push({ at: this.config.clock(), text });
    if (this.alarms.length > limits.alarmsKept) this.alarms.shift();
  }

  // ---- to viewers ----

  get name(): string {
    return this.run.name;
  }

  /** What a comparison with other runs needs. */
  get comparable(): Comparable {
    return { path: this.run.path, config: this.run.config, state: this.state(0, null) };
  }

  /** Only the curve is sent in parts, because a recorded run has no events. */
  get mark(): Mark {
    return { curve: this.course.curve.mark, event: 0 };
  }

  state(viewers: number, since: Mark | null): RunState {
    const points = since === null ? null : this.course.curve.since(since.curve);
    return { ...this.description(), ...this.progress(), ...this.findings(), ...this.surroundings(viewers, points) };
  }

  async weights(): Promise<Edition | Refusal> {
    const stored = await this.stored.newest();
    if (stored === null) return noWeights;
    return new Editions(this.run.config).weights(stored.step, stored.floats);
  }

  async model(): Promise<Edition | Refusal> {
    const weights = await this.weights();
    return 'code' in weights ? weights : new Editions(this.run.config).model(weights);
  }

  async evaluation(): Promise<Edition | Refusal> {
    const stored = await this.stored.newest();
    return stored === null ? noWeights : this.evaluations.of(stored);
  }

  async metricsFile(): Promise<string> {
    return this.run.metricsPath;
  }

  private description() {
    const { config, name } = this.run;
    const { version, model, batch, microBatch, rounds, wireBits = 32, epochs, augment = null } = config;
    const { name: dataset, shape, classes, classNames, train, validation, test } = config.dataset;
    const { slots, stepsPerEpoch } = epochShape({ samples: train, batch, microBatch, rounds });
    const stepsPlanned = Math.min(config.maxSteps ?? Number.POSITIVE_INFINITY, epochs * stepsPerEpoch);
    const shown = { name: dataset, shape, classes, train, validation, test, ...(classNames && { classNames }) };
    const planned = { slots, epochs, stepsPerEpoch, stepsPlanned };
    return {
      version,
      run: name,
      model,
      dataset: shown,
      batch,
      localSteps: rounds?.steps ?? 1,
      wireBits,
      augment,
      ...planned,
    };
  }

  private progress() {
    const { newest } = this.course;
    const { summary } = this.run;
    const phase = this.phase;
    const samplesPerSecond = summary?.samplesPerSecond ?? newest?.samplesPerSecond ?? 0;
    const step = Math.max(newest?.step ?? 0, summary?.steps ?? 0);
    const { stepsPlanned, stepsPerEpoch } = this.description();
    const samplesLeft = (stepsPlanned - step) * (this.run.config.dataset.train / stepsPerEpoch);
    const isKnown = phase === 'training' && samplesPerSecond > 0;
    return {
      phase,
      step,
      epoch: newest?.epoch ?? 0,
      samplesPerSecond,
      secondsLeft: isKnown ? Math.round(samplesLeft / samplesPerSecond) : null,
      seconds: summary?.seconds ?? null,
      loss: newest?.loss ?? null,
      accuracy: newest?.trainAccuracy ?? null,
      workersTotal: phase === 'training' ? (newest?.workers ?? 0) : 0,
      threads: phase === 'training' ? (newest?.threads ?? 0) : 0,
      traffic: { bytesSent: newest?.bytesSent ?? 0, bytesReceived: newest?.bytesReceived ?? 0 },
    };
  }

  private findings() {
    const { summary } = this.run;
    const { validation, test, hashed } = this.course;
    const step = this.stored.newestStep;
    const evaluationFault = this.evaluations.faultAt(step);
    return {
      testLoss: summary?.testLoss ?? test.newest?.loss ?? null,
      testAccuracy: summary?.testAccuracy ?? test.newest?.accuracy ?? null,
      bestTestAccuracy: test.bestAccuracy,
      validationLoss: summary?.validationLoss ?? validation.newest?.loss ?? null,
      validationAccuracy: summary?.validationAccuracy ?? validation.newest?.accuracy ?? null,
      bestValidationAccuracy: validation.bestAccuracy,
      weightsSha256: summary?.weightsSha256 ?? hashed?.sha256 ?? null,
      weightsStep: summary?.weightsStep ?? summary?.steps ?? hashed?.step ?? null,
      newest: { weights: step, evaluation: evaluationFault === null ? step : null },
      evaluationFault,
    };
  }

  private surroundings(viewers: number, points: readonly CurvePoint[] | null) {
    const { path, writer } = this.run;
    return {
      files: { path, writer: writer && `process ${writer.pid} on ${writer.host}`, runs: this.config.runs },
      workers: [],
      networkBound: null,
      sampleBytes: null,
      workersMin: 1,
      alarms: this.alarms,
      join: null,
      complete: points === null,
      events: [],
      curve: points ?? this.course.curve.all(),
      weightsEveryMs: Math.max(limits.weightsEveryMsMin, viewers * limits.weightsMsPerViewer),
      startedAt: null,
      now: this.config.clock(),
    };
  }

  private get phase(): RunPhase {
    const { summary, writer } = this.run;
    if (summary !== null) return endOf(summary.stopReason);
    if (writer === null) return 'stale';
    return this.course.newest === null ? 'waiting' : 'training';
  }
}

function endOf(reason: StopReason): RunPhase {
  return reason === 'interrupted' || reason === 'diverged' ? reason : 'finished';
}

const noWeights: Refusal = { code: 'not-found', message: 'there is no whole checkpoint yet' };
