/** Reads `profile.json`, which a run with `--profile` leaves: where a step's microseconds go. Pure. */

export interface Profile {
  /** Microseconds of one step by phase. */
  readonly phases: ReadonlyMap<string, number>;
  readonly eventLoopLongestMs: number;
}

/** The gradients themselves, looking out for the threads that compute them, and the event loop with all that waits. */
const notCoordination = ['compute', 'watch', 'wait', 'rest'];

/** Throws where the file is another than this expects. */
export function parseProfile(text: string): Profile {
  const { microsecondsPerStep, eventLoopLongestMs } = JSON.parse(text) as Record<string, unknown>;
  if (typeof microsecondsPerStep !== 'object' || typeof eventLoopLongestMs !== 'number') {
    throw new Error('profile.json must have microsecondsPerStep and eventLoopLongestMs');
  }
  return { phases: new Map(Object.entries(microsecondsPerStep ?? {})), eventLoopLongestMs };
}

/** Microseconds of a step that the coordinator itself works. */
export function ownWork({ phases }: Profile): number {
  return [...phases].reduce((sum, [phase, us]) => (notCoordination.includes(phase) ? sum : sum + us), 0);
}
