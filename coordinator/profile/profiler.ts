/** `--profile`: how many microseconds of a step each phase takes in this process, and how long the event loop blocks. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PhaseProfile } from '../../shared/profile.js';
import { Blocks } from './blocks.js';
import { type ProfileFile, profileTable } from './profile-table.js';

export class Profiler {
  readonly phases = new PhaseProfile(() => performance.now());
  private readonly blocks = new Blocks();
  private before: PhaseProfile['report'] | null = null;

  /** Training begins: earlier time does not count. */
  begin(): void {
    this.before = this.phases.report;
    this.blocks.begin();
  }

  /** Writes profile.json, and the same for people as profile.md. */
  finish(directory: string, steps: number, { workers, threads }: Pick<ProfileFile, 'workers' | 'threads'>): void {
    this.blocks.end();
    const perStep = Object.entries(this.phases.report).map(([phase, ms]) => {
      const before = this.before?.[phase as keyof PhaseProfile['report']] ?? 0;
      return [phase, Number(((1000 * (ms - before)) / Math.max(steps, 1)).toFixed(1))];
    });
    const { longest, longestOnCore } = this.blocks;
    const microsecondsPerStep = Object.fromEntries(perStep) as ProfileFile['microsecondsPerStep'];
    const profile: ProfileFile = { steps, workers, threads, microsecondsPerStep, longestBlock: longest, longestOnCore };
    writeFileSync(join(directory, 'profile.json'), `${JSON.stringify(profile, null, 2)}\n`);
    writeFileSync(join(directory, 'profile.md'), profileTable(profile));
  }
}
