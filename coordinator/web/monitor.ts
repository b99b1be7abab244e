/**
 * The live run of this process as viewers see it: the monitor gathers what the run and its fleet report, in bounded
 * memory, and makes a `RunState` of it when a viewer asks. It decides nothing, and never holds up a step.
 */

import { assert } from '../../shared/assert.js';
import { atWork } from '../../shared/at-work.js';
import type { EvaluationSet } from '../../shared/data/dataset.js';
import { percent } from '../../shared/figures.js';
import type { Traffic } from '../../shared/fleet/fleet.js';
import { limits } from '../../shared/limits.js';
import { plural } from '../../shared/plural.js';
import { type StepUnit, stepUnit } from '../../shared/step-unit.js';
import type { MetricsLine, Summary } from '../archive/config.js';
import { type NetworkBound, networkBoundText } from '../fleet/network-bound.js';
import type { LiveRun } from '../run/live-run.js';
import type { RunEvent } from '../run/run-event.js';
import type { Score, StepScore, StopReason } from '../run/trainer.js';
import { version } from '../version.js';
import { Course } from './course.js';
import { Snapshots } from './snapshots.js';
import type {
  Alarm,
  ControlAction,
  CurvePoint,
  EventKind,
  JoinLinks,
  LoggedEvent,
  RunPhase,
  RunState,
  WorkerState,
} from './state.js';
import type { Edition, Mark, Refusal, ViewedRun } from './viewed-run.js';

/** The workers of a run, as the monitor shows them. */
export interface FleetView {
  readonly workers: number;
  /** Compute threads of the coordinator itself. */
  readonly threads: number;
  readonly traffic: Readonly<Traffic>;
  /** Null if the run does not wait for its network, or if it is not known yet. */
  readonly networkBound: NetworkBound | null;
  /** Mean bytes of a training sample on its way to a worker. */
  readonly sampleBytes: number;
  /** The coordinator's own threads, if there are any, and the first `max` workers. */
  workerStates(max: number): WorkerState[];
  /** Sends a worker away and does not admit it again. Returns false if no worker has this number. */
  drop(member: number): boolean;
}

export interface MonitorConfig {
  readonly workersMin: number;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  /** Monotonic milliseconds. */
  readonly nowMs: () => number;
}

/** A run that is loaded, and the copies that viewers get of it. */
interface Loaded {
  readonly live: LiveRun;
  readonly snapshots: Snapshots;
}

export class Monitor implements ViewedRun {
  /** Null until the run is loaded: before that, nothing but `viewed` may be asked. */
  private loaded_: Loaded | null = null;
  private fleet: FleetView | null = null;
  private join: JoinLinks | null = null;
  private readonly course = new Course();
  private events: LoggedEvent[] = [];
  private alarms: Alarm[] = [];
  private nextEvent = 1;
  private startedAt: number | null = null;
  private ending_: RunPhase | null = null;
  private summary: Summary | null = null;

  constructor(private readonly config: MonitorConfig) {}

  /** The run, once it is loaded. */
  get run(): LiveRun | null {
    return this.loaded_?.live ?? null;
  }

  /** What the web server may show: nothing until the run is loaded. */
  get viewed(): ViewedRun | null {
    return this.loaded_ === null ? null : this;
  }

  /** Why the run cannot be controlled any more; null while it can. */
  get ending(): RunPhase | null {
    return this.ending_;
  }

  // ---- from the run ----

  heard(event: RunEvent): void {
    switch (event.type) {
      case 'loaded':
        return this.loaded(event.run, event.history);
      case 'stepped':
        return this.stepped(event.line);
      case 'evaluated':
        return this.evaluated(event.line.step, event.validation, event.test);
      case 'tested':
        return this.scored('test', event.evaluation);
      case 'checkpointed':
        return this.tell('checkpoint', `checkpoint of ${this.unit} ${event.step}`);
      case 'joined':
        return this.tell('joined', `${event.worker} joined`);
      case 'left':
        return event.wasMember ? this.left(event.worker, event.reason) : undefined;
      case 're-leased':
        return this.tell('re-leased', `${plural(event.shards, 'shard')} of ${event.worker} went to others`);
      case 'controlled':
        return this.controlled(event.action);
      case 'alarm-raised':
      case 'checkpoint-trouble':
        return this.alarm(event.message);
      case 'ended':
        return this.ended(event.reason, event.summary);
      default:
      // The rest is for the log.
    }
  }

  /** The fleet can be joined from now on. */
  opened(fleet: FleetView, join: JoinLinks): void {
    this.fleet = fleet;
    this.join = join;
  }

  /** Sends a worker away and does not admit it again. Returns false if no worker has this number. */
  drop(member: number): boolean {
    return this.fleet?.drop(member) ?? false;
  }

  private loaded(run: LiveRun, history: readonly MetricsLine[]): void {
    this.loaded_ = { live: run, snapshots: new Snapshots(run, this.config.nowMs) };
    for (const line of history) this.course.follow(line);
  }

  private stepped(line: MetricsLine): void {
    if (this.startedAt === null) this.begin(line);
    this.course.follow(line);
  }

  private evaluated(step: number, validation: Score | null, test: Score | null): void {
    if (validation !== null) this.scored('validation', { step, ...validation });
    if (test !== null) this.scored('test', { step, ...test });
  }

  private scored(set: EvaluationSet, { step, accuracy, loss }: StepScore): void {
    this.loaded_?.snapshots.evaluated(set, step);
    this.tell('evaluated', `${this.unit} ${step}: ${set} accuracy ${percent(accuracy)}, loss ${loss.toFixed(4)}`);
  }

  private left(worker: string, reason: string | null): void {
    if (reason === null) this.tell('left', `${worker} left`);
    else this.tell('dropped', `${worker} is out: ${reason}`);
  }

  private controlled(action: ControlAction): void {
    if (action === 'pause') this.tell('paused', `paused by the operator, after the ${this.unit} under way`);
    if (action === 'resume') this.tell('resumed', 'resumed by the operator');
  }

  private ended(reason: StopReason, summary: Summary): void {
    const { weightsSha256, weightsStep, steps } = summary;
    this.summary = summary;
    this.course.ended({ step: weightsStep, sha256: weightsSha256 });
    this.ending_ = reason === 'interrupted' || reason === 'diverged' ? reason : 'finished';
    this.tell('ended', `${this.ending_} after ${plural(steps, this.unit)}`);
  }

  private tell(kind: EventKind, text: string): void {
    this.events.push({ id: this.nextEvent++, at: this.config.clock(), kind, text });
    if (this.events.length > limits.eventsKept) this.events.shift();
  }

  private alarm(text: string): void {
    this.alarms.push({ at: this.config.clock(), text });
    if (this.alarms.length > limits.alarmsKept) this.alarms.shift();
  }

  // ---- to viewers ----

  get mark(): Mark {
    return { curve: this.course.curve.mark, event: this.nextEvent };
  }

  get name(): string {
    return this.known.live.name;
  }

  state(viewers: number, since: Mark | null): RunState {
    const { live, snapshots } = this.known;
    const points = since === null ? null : this.course.curve.since(since.curve);
    const isNew = ({ id }: LoggedEvent) => since === null || points === null || id >= since.event;
    return {
      ...this.progress(live, snapshots),
      ...this.whole(live, viewers, points),
      events: this.events.filter(isNew),
    };
  }

  async weights(): Promise<Edition> {
    return this.known.snapshots.weights();
  }

  model(): Promise<Edition> {
    return this.known.snapshots.model();
  }

  async evaluation(): Promise<Edition | Refusal> {
    return this.known.snapshots.evaluation() ?? { code: 'not-found', message: 'there was no evaluation yet' };
  }

  metricsFile(): Promise<string> {
    return this.known.live.metrics();
  }

  private get known(): Loaded {
    assert(this.loaded_ !== null, 'a run is viewed before it is loaded');
    return this.loaded_;
  }

  private whole({ setup, name: run }: LiveRun, viewers: number, points: readonly CurvePoint[] | null) {
    const { name, shape, classes, classNames, train, validation, test } = setup.config.dataset;
    const bound = this.phase === 'training' ? (this.fleet?.networkBound ?? null) : null;
    return {
      version,
      files: null,
      run,
      model: setup.run.model,
      dataset: { name, shape, classes, train, validation, test, ...(classNames && { classNames }) },
      batch: setup.run.batch,
      localSteps: setup.config.rounds?.steps ?? 1,
      wireBits: setup.config.wireBits ?? 32,
      augment: setup.config.augment ?? null,
      slots: setup.slots,
      workers: this.fleet?.workerStates(limits.workersShownMax) ?? [],
      workersTotal: this.fleet?.workers ?? 0,
      threads: this.fleet?.threads ?? 0,
      networkBound: bound === null ? null : networkBoundText(bound),
      workersMin: this.config.workersMin,
      sampleBytes: this.fleet?.sampleBytes ?? null,
      traffic: { bytesSent: 0, bytesReceived: 0, ...this.fleet?.traffic },
      alarms: this.alarms,
      join: this.join,
      complete: points === null,
      curve: points ?? this.course.curve.all(),
      weightsEveryMs: Math.max(limits.weightsEveryMsMin, viewers * limits.weightsMsPerViewer),
      startedAt: this.startedAt,
      now: this.config.clock(),
    };
  }

  private progress(run: LiveRun, snapshots: Snapshots) {
    const { setup, trainer } = run;
    const { plan } = setup;
    const { step } = trainer.position;
    const { newest, hashed } = this.course;
    const phase = this.phase;
    const samplesPerSecond = phase === 'training' ? run.samplesPerSecond : 0;
    const samplesPerStep = setup.config.dataset.train / plan.stepsPerEpoch;
    const samplesLeft = (trainer.stepsPlanned - step) * samplesPerStep;
    return {
      phase,
      step,
      stepsPlanned: trainer.stepsPlanned,
      epoch: Math.ceil(step / plan.stepsPerEpoch),
      epochs: plan.epochs,
      stepsPerEpoch: plan.stepsPerEpoch,
      samplesPerSecond,
      secondsLeft: samplesPerSecond > 0 ? Math.round(samplesLeft / samplesPerSecond) : null,
      loss: newest?.loss ?? null,
      accuracy: newest?.trainAccuracy ?? null,
      ...this.scores(run),
      weightsSha256: hashed?.sha256 ?? null,
      weightsStep: hashed?.step ?? null,
      newest: { weights: trainer.weightsStep, evaluation: snapshots.evaluatedStep },
      evaluationFault: null,
      seconds: this.summary?.seconds ?? null,
    };
  }

  /** Of the newest evaluations, and of the weights that the run ended with once it has ended. */
  private scores({ setup, trainer }: LiveRun) {
    const { validation, test, bestAccuracy } = trainer.findings;
    const { summary } = this;
    const isJudgedByTest = setup.plan.judge === 'test';
    return {
      testLoss: (summary === null ? test?.loss : summary.testLoss) ?? null,
      testAccuracy: (summary === null ? test?.accuracy : summary.testAccuracy) ?? null,
      bestTestAccuracy: isJudgedByTest ? bestAccuracy : null,
      validationLoss: (summary === null ? validation?.loss : summary.validationLoss) ?? null,
      validationAccuracy: (summary === null ? validation?.accuracy : summary.validationAccuracy) ?? null,
      bestValidationAccuracy: isJudgedByTest ? null : bestAccuracy,
    };
  }

  private get phase(): RunPhase {
    if (this.ending_ !== null) return this.ending_;
    if (this.run?.trainer.isPaused) return 'paused';
    const isUnmanned = this.fleet?.workers === 0 && this.fleet.threads === 0;
    return this.startedAt === null || isUnmanned ? 'waiting' : 'training';
  }

  private get unit(): StepUnit {
    return stepUnit({ localSteps: this.run?.setup.config.rounds?.steps ?? 1 });
  }

  private begin(line: MetricsLine): void {
    this.startedAt = this.config.clock();
    this.tell('started', `training began with ${this.unit} ${line.step}, on ${atWork(line)}`);
  }
}
