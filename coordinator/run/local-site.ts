/** The members of the pool are threads of this machine. */
import type { Task } from '../../shared/work/task.js';
import type { Site, SitePlan, SiteRun } from './site.js';

/** A plan for this many compute threads. */
export function localSite(threads: number): SitePlan {
  return { threads, open: (run) => new LocalSite(threads, run) };
}

class LocalSite implements Site {
  readonly traffic = { bytesSent: 0, bytesReceived: 0 };

  constructor(
    readonly workers: number,
    private readonly run: SiteRun,
  ) {}

  ready(): Promise<void> {
    const { setup, machine, ending, emit } = this.run;
    const { workers } = this;
    if (workers > setup.slots) {
      emit({ type: 'warned', warning: { code: 'too-many-workers', workers, threads: 0, slots: setup.slots } });
    }
    return machine.start((error) => ending.failed(error));
  }

  stepStarted(_: Task): void {}

  evaluated(_: number): void {}

  async close(): Promise<void> {
    this.run.machine.stop();
  }
}
