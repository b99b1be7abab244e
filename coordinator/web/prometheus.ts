/**
 * `/metrics`, for Prometheus. Values are read from the run's state at each request; nothing is counted here. The module
 * is loaded on the first request.
 */
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { RunPhase, RunState, WorkerState } from './state.js';
import type { ViewedRun } from './viewed-run.js';

const prefix = 'lockstep_';

type Reading = (state: RunState) => number | null;

/** Each metric: its name without the prefix, its help text, and its value or null. A _total only grows. */
const readings: readonly (readonly [string, string, Reading])[] = [
  ['steps_total', 'Updates made so far', ({ step }) => step],
  ['steps_planned', 'Updates that the run makes when nothing stops it early', ({ stepsPlanned }) => stepsPlanned],
  ['epoch', 'Epoch of the newest step, from 1', ({ epoch }) => epoch],
  ['train_loss', 'Loss of the newest mini-batch', ({ loss }) => loss],
  ['train_accuracy', 'Accuracy of the newest mini-batch, 0 to 1', ({ accuracy }) => accuracy],
  ['test_loss', 'Loss of the newest evaluation of the test set', ({ testLoss }) => testLoss],
  ['test_accuracy', 'Accuracy of the newest evaluation of the test set', ({ testAccuracy }) => testAccuracy],
  ['test_accuracy_best', 'Highest accuracy on the test set so far', ({ bestTestAccuracy }) => bestTestAccuracy],
  ['validation_loss', 'Loss of the newest evaluation of the validation set', (state) => state.validationLoss],
  [
    'validation_accuracy',
    'Accuracy of the newest evaluation of the validation set',
    (state) => state.validationAccuracy,
  ],
  [
    'validation_accuracy_best',
    'Highest accuracy on the validation set so far',
    (state) => state.bestValidationAccuracy,
  ],
  ['samples_per_second', 'Training samples per second, over about a second', (state) => state.samplesPerSecond],
  ['seconds_left', 'Expected seconds until the run is over', ({ secondsLeft }) => secondsLeft],
  ['workers', 'Workers that are members now', ({ workersTotal }) => workersTotal],
  ['worker_threads', 'Threads that these workers lend', ({ workers }) => lentThreads(workers)],
  ['own_threads', 'Compute threads of the coordinator itself', ({ threads }) => threads],
  ['sent_bytes_total', 'Bytes sent to workers so far', ({ traffic }) => traffic.bytesSent],
  ['received_bytes_total', 'Bytes received from workers so far', ({ traffic }) => traffic.bytesReceived],
  ['alarms', 'Faults that need somebody, such as a full disk', ({ alarms }) => alarms.length],
];

const phases: readonly RunPhase[] = ['waiting', 'training', 'paused', 'finished', 'interrupted', 'diverged', 'stale'];

export class Prometheus {
  private readonly registry = new Registry();
  readonly contentType = this.registry.contentType;
  private now: RunState | null = null;

  constructor(
    /** Null until the run is loaded. */
    private readonly run: () => ViewedRun | null,
    private readonly viewers: () => number,
  ) {
    for (const [name, help, read] of readings) {
      const value = () => (this.now === null ? null : read(this.now));
      if (name.endsWith('_total')) this.counter(name, help, value);
      else this.gauge(name, help, value);
    }
    this.gauge('viewers', 'Dashboards that are open now', viewers);
    this.describe();
    collectDefaultMetrics({ register: this.registry });
  }

  text(): Promise<string> {
    const run = this.run();
    // The state since the newest mark has no points of the curve, which are not needed here.
    this.now = run?.state(this.viewers(), run.mark) ?? null;
    return this.registry.metrics();
  }

  private gauge(name: string, help: string, value: () => number | null): void {
    new Gauge({
      name: prefix + name,
      help,
      registers: [this.registry],
      collect() {
        const x = value();
        if (x === null) this.remove();
        else this.set(x);
      },
    });
  }

  private counter(name: string, help: string, value: () => number | null): void {
    new Counter({
      name: prefix + name,
      help,
      registers: [this.registry],
      collect() {
        this.reset();
        this.inc(value() ?? 0);
      },
    });
  }

  private describe(): void {
    const registers = [this.registry];
    const now = () => this.now;
    new Gauge({
      name: `${prefix}phase`,
      help: '1 for the phase that the run is in, 0 for the others',
      labelNames: ['phase'],
      registers,
      collect() {
        for (const phase of phases) this.set({ phase }, phase === now()?.phase ? 1 : 0);
      },
    });
    new Gauge({
      name: `${prefix}run_info`,
      help: 'Always 1: the labels say what runs',
      labelNames: ['run', 'version', 'dataset'],
      registers,
      collect() {
        const state = now();
        if (state !== null) this.set({ run: state.run, version: state.version, dataset: state.dataset.name }, 1);
      },
    });
  }
}

function lentThreads(workers: readonly WorkerState[]): number {
  return workers.reduce((sum, { own, threads }) => sum + (own ? 0 : threads), 0);
}
