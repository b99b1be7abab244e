/** `--profile`: where a step's microseconds go in this process, and how long its event loop stood still. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { PhaseProfile } from '../shared/compute/profile.js';

const resolutionMs = 1;

export class Profiler {
  readonly phases = new PhaseProfile(() => performance.now());
  private readonly delay = monitorEventLoopDelay({ resolution: resolutionMs });
  private before: PhaseProfile['report'] | null = null;

  /** Training begins: what came before does not count. */
  begin(): void {
    this.before = this.phases.report;
    this.delay.enable();
  }

  /** Writes profile.json: microseconds per step by phase, and the event loop's longest block. */
  finish(directory: string, steps: number, workers: number): void {
    this.delay.disable();
    const perStep = Object.entries(this.phases.report).map(([phase, ms]) => {
      const before = this.before?.[phase as keyof PhaseProfile['report']] ?? 0;
      return [phase, Number(((1000 * (ms - before)) / Math.max(steps, 1)).toFixed(1))];
    });
    const eventLoopLongestMs = Math.max(this.delay.max / 1e6 - resolutionMs, 0);
    const profile = { steps, workers, microsecondsPerStep: Object.fromEntries(perStep), eventLoopLongestMs };
    writeFileSync(join(directory, 'profile.json'), `${JSON.stringify(profile, null, 2)}\n`);
  }
}
