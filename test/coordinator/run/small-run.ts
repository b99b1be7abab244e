/** A run that is small enough for tests: a linear model with a few parameters, on a disk in memory. */
import type { Processes } from '../../../coordinator/archive/lock.js';
import type { LoadedDataset } from '../../../coordinator/data/load.js';
import type { Clock } from '../../../coordinator/run/clock.js';
import { conduct, type RunMeans } from '../../../coordinator/run/conduct.js';
import { localSite } from '../../../coordinator/run/local-site.js';
import type { RunEvent } from '../../../coordinator/run/run-event.js';
import type { RunRequest } from '../../../coordinator/run/run-request.js';
import type { Model } from '../../../shared/model/model.js';
import { nodePlatform } from '../../../worker/node-platform.js';
import { randomSamples } from '../../shared/model/fixture.js';
import { withDirectory } from '../archive/memory-files.js';

export const model: Model = { input: [4], layers: [{ dense: 3, activation: 'linear' }], loss: 'softmaxCrossEntropy' };

export const dataset: LoadedDataset = {
  name: 'tiny',
  classes: 3,
  train: randomSamples(model, 40, 1),
  test: randomSamples(model, 10, 2),
  sha256: 'd'.repeat(64),
  directory: null,
};

/** Two epochs of five steps. */
export const request: RunRequest = {
  model,
  epochs: 2,
  batch: 8,
  microBatch: 4,
  lr: 0.1,
  momentum: 0.9,
  out: '/runs/small',
};

const processes: Processes = { own: { pid: 1, start: '0', host: 'test' }, isAlive: () => true };
const clock: Clock = { dateMs: () => 0, every: () => () => {} };

/** Conducts runs on a disk in memory, and keeps all events that they report. */
export class SmallRun {
  readonly files = withDirectory('/runs');
  readonly events: RunEvent[] = [];
  readonly wish = new AbortController();
  /** Called with every event, after the event was added to `events`. */
  onEvent: (event: RunEvent) => void = () => {};

  conduct(changes: RunRequest = {}, means: Partial<RunMeans> = {}) {
    return conduct(
      { ...request, ...changes },
      {
        platform: nodePlatform(),
        files: this.files,
        processes,
        clock,
        loadDataset: async () => dataset,
        site: localSite(1),
        wish: this.wish.signal,
        emit: (event) => {
          this.events.push(event);
          this.onEvent(event);
        },
        ...means,
      },
    );
  }

  /** Interrupts the run at the first event of this type. */
  interruptAt(type: RunEvent['type']): void {
    this.onEvent = (event) => event.type === type && this.wish.abort();
  }

  get types(): string[] {
    return this.events.map(({ type }) => type);
  }

  of<T extends RunEvent['type']>(type: T): Extract<RunEvent, { readonly type: T }>[] {
    return this.events.filter((event): event is Extract<RunEvent, { readonly type: T }> => event.type === type);
  }

  /** The names in the run directory. */
  left(): Promise<string[]> {
    return this.files.list('/runs/small').then((names) => names.sort());
  }
}
