/** Reads `profile.json`, which a run with `--profile` writes. It says how a step spends its microseconds. Pure. */
import { onCoreMs } from '../../coordinator/profile/blocks.js';
import type { ProfileFile } from '../../coordinator/profile/profile-table.js';

export interface Profile {
  /** Microseconds of one step, by phase. */
  readonly phases: ReadonlyMap<string, number>;
  /** Length of the longest block of the event loop, and the longest time that a block was running on a core. */
  readonly longestMs: number;
  readonly longestOnCoreMs: number;
  /** The garbage collector's part of `longestOnCoreMs`. */
  readonly longestGcMs: number;
}

/**
 * Phases that are not the coordinator's own work: gradients, looking at the threads' progress, the event loop, waiting.
 */
const notCoordination = ['compute', 'watch', 'wait', 'rest'];

/** Parses the file. Throws if a field is missing. */
export function parseProfile(text: string): Profile {
  const { microsecondsPerStep, longestBlock, longestOnCore } = JSON.parse(text) as Partial<ProfileFile>;
  if (microsecondsPerStep === undefined || longestBlock === undefined || longestOnCore === undefined) {
    throw new Error('profile.json must have microsecondsPerStep, longestBlock and longestOnCore');
  }
  return {
    phases: new Map(Object.entries(microsecondsPerStep)),
    longestMs: longestBlock.ms,
    longestOnCoreMs: onCoreMs(longestOnCore),
    longestGcMs: longestOnCore.gcMs,
  };
}

/** Microseconds of the coordinator's own work in a step. */
export function ownWork({ phases }: Profile): number {
  return [...phases].reduce((sum, [phase, us]) => (notCoordination.includes(phase) ? sum : sum + us), 0);
}
