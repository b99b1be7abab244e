/** Reads `profile.json`, which a run with `--profile` leaves: where a step's microseconds go. Pure. */
import { onCoreMs } from '../../coordinator/profile/blocks.js';
import type { ProfileFile } from '../../coordinator/profile/profile-table.js';

export interface Profile {
  /** Microseconds of one step by phase. */
  readonly phases: ReadonlyMap<string, number>;
  /** The longest block of the event loop: in all, and the longest by the time on a core. */
  readonly longestMs: number;
  readonly longestOnCoreMs: number;
  /** Of the latter, the garbage collector's. */
  readonly longestGcMs: number;
}

/** The gradients themselves, looking out for the threads that compute them, and the event loop with all that waits. */
const notCoordination = ['compute', 'watch', 'wait', 'rest'];

/** Throws where the file is another than this expects. */
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

/** Microseconds of a step that the coordinator itself works. */
export function ownWork({ phases }: Profile): number {
  return [...phases].reduce((sum, [phase, us]) => (notCoordination.includes(phase) ? sum : sum + us), 0);
}
