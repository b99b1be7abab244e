/**
 * What is known of a run while it goes on and afterwards, for whoever watches: it gathers what the run and its fleet
 * report, in bounded room, and makes a `RunState` of it when asked. It decides nothing and never holds up a step.
 */

import type { Traffic } from '../../shared/fleet/fleet.js';
import { limits } from '../../shared/limits.js';
import type { MetricsLine, Summary } from '../archive/config.js';
import type { LiveRun, RunWatcher } from '../run/conduct.js';
import type { StopReason } from '../run/trainer.js';
import { version } from '../version.js';
import { BoundedCurve, type CurveMark } from './curve.js';
import { Snapshots } from './snapshots.js';
import type { Alarm, CurvePoint, EventKind, JoinLinks, LoggedEvent, RunPhase, RunState, WorkerState } from './state.js';

/** Who computes. */
export interface FleetView {
  readonly workers: number;
  readonly traffic: Readonly<Traffic>;
  /** At most so many. */
  workerStates(max: number): WorkerState[];
}

/** What a viewer has already. */
export interface Mark {
  readonly curve: CurveMark;
  readonly event: number;
}

export interface MonitorConfig {
  readonly workersMin: number;
  /** Milliseconds since 1970, and monotonic ones. */
  readonly clock: () => number;
  readonly nowMs: () => number;
}

export class Monitor implements RunWatcher {
  private live: LiveRun | null = null;
  private snapshots_: Snapshots | null = null;
  private fleet: FleetView | null = null;
  private join: JoinLinks = { url: '', command: '', needsToken: false };
  private readonly curve = new BoundedCurve(limits.curvePointsMax);
  private events: LoggedEvent[] = [];
  private alarms: Alarm[] = [];
  private nextEvent = 1;
  private startedAt: number | null = null;
  private ending_: RunPhase | null = null;
  private newest: MetricsLine | null = null;
  private hashed: { readonly step: number; readonly sha256: string } | null = null;

  constructor(private readonly config: MonitorConfig) {}

  /** The run, once it is loaded. */
  get run(): LiveRun | null {
    return this.live;
  }

  /** Copies of its weights and the like, once it is loaded. */
  get snapshots(): Snapshots | null {
    return this.snapshots_;
  }

  /** Why the run cannot be controlled any more; null while it can. */
  get ending(): RunPhase | null {
    return this.ending_;
  }

  // ---- from the run ----

  loaded(run: LiveRun): void {
    this.live = run;
    this.snapshots_ = new Snapshots(run, this.config.nowMs);
    for (const line of run.recorder.history()) this.follow(line);
  }

  /** The fleet can be joined from now on. */
  opened(fleet: FleetView, join: JoinLinks): void {
    this.fleet = fleet;
    this.join = join;
  }

  stepped(line: MetricsLine): void {
    if (this.startedAt === null) this.begin(line);
    this.follow(line);
    if (line.testAccuracy === undefined || line.testLoss === undefined) return;
    const found = `test accuracy ${(100 * line.testAccuracy).toFixed(2)} %, loss ${line.testLoss.toFixed(4)}`;
    this.snapshots_?.evaluated(line.step);
    this.tell('evaluated', `step ${line.step}: ${found}`);
  }

  checkpointed(step: number): void {
    this.tell('checkpoint', `checkpoint of step ${step}`);
  }

  ended(reason: StopReason, { weightsSha256, steps }: Summary): void {
    this.hashed = { step: steps, sha256: weightsSha256 };
    this.ending_ = reason === 'interrupted' || reason === 'diverged' ? reason : 'finished';
    this.tell('ended', `${this.ending_} after ${steps} steps`);
  }

  /** Something that the log tells as well. */
  tell(kind: EventKind, text: string): void {
    this.events.push({ id: this.nextEvent++, at: this.config.clock(), kind, text });
    if (this.events.length > limits.eventsKept) this.events.shift();
  }

  alarm(text: string): void {
    this.alarms.push({ at: this.config.clock(), text });
    if (this.alarms.length > limits.alarmsKept) this.alarms.shift();
  }

  // ---- to viewers ----

  get mark(): Mark {
    return { curve: this.curve.mark, event: this.nextEvent };
  }

  /**
   * All that is known, or, from a mark on, what is new; null while the run is not loaded. `viewers` decides how often
   * each of them may ask for the weights.
   */
  state(viewers: number, since: Mark | null): RunState | null {
    const { live } = this;
    if (live === null) return null;
    const points = since === null ? null : this.curve.since(since.curve);
    const isNew = ({ id }: LoggedEvent) => since === null || points === null || id >= since.event;
    return { ...this.course(live), ...this.whole(live, viewers, points), events: this.events.filter(isNew) };
  }

  private whole({ setup, recorder }: LiveRun, viewers: number, points: readonly CurvePoint[] | null) {
    const { run, dataset } = { run: setup.run, dataset: setup.config.dataset };
    const { name, shape, classes, train, test } = dataset;
    return {
      version,
      run: recorder.name,
      model: run.model,
      dataset: { name, shape, classes, train, test },
      batch: run.batch,
      slots: setup.slots,
      workers: this.fleet?.workerStates(limits.workersShownMax) ?? [],
      workersTotal: this.fleet?.workers ?? 0,
      workersMin: this.config.workersMin,
      traffic: { bytesSent: 0, bytesReceived: 0, ...this.fleet?.traffic },
      alarms: this.alarms,
      join: this.join,
      complete: points === null,
      curve: points ?? this.curve.all(),
      weightsEveryMs: Math.max(limits.weightsEveryMsMin, viewers * limits.weightsMsPerViewer),
      startedAt: this.startedAt,
      now: this.config.clock(),
    };
  }

  private course({ setup, trainer, recorder }: LiveRun) {
    const { plan } = setup;
    const { step } = trainer.position;
    const { test, bestAccuracy } = trainer.findings;
    const phase = this.phase;
    const samplesPerSecond = phase === 'training' ? recorder.samplesPerSecond : 0;
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
      loss: this.newest?.loss ?? null,
      accuracy: this.newest?.trainAccuracy ?? null,
      testLoss: test?.loss ?? null,
      testAccuracy: test?.accuracy ?? null,
      bestTestAccuracy: bestAccuracy,
      weightsSha256: this.hashed?.sha256 ?? null,
      weightsStep: this.hashed?.step ?? null,
    };
  }

  private get phase(): RunPhase {
    if (this.ending_ !== null) return this.ending_;
    if (this.live?.trainer.isPaused) return 'paused';
    return this.startedAt === null || this.fleet?.workers === 0 ? 'waiting' : 'training';
  }

  private begin({ step, workers }: MetricsLine): void {
    this.startedAt = this.config.clock();
    this.tell('started', `training began with step ${step}, on ${workers} worker${workers === 1 ? '' : 's'}`);
  }

  private follow(line: MetricsLine): void {
    this.newest = line;
    const { step, loss, trainAccuracy, testLoss, testAccuracy, weightsSha256 } = line;
    if (weightsSha256 !== undefined) this.hashed = { step, sha256: weightsSha256 };
    const isEvaluated = testLoss !== undefined && testAccuracy !== undefined;
    const test = isEvaluated ? { loss: testLoss, accuracy: testAccuracy } : null;
    this.curve.add({ step, loss, accuracy: trainAccuracy, test });
  }
}
