/** Reads `profile.json`, which a run with `--profile` leaves: where a step's microseconds go. Pure. */

export interface Profile {
  /** Microseconds of one step by phase. */
  readonly phases: ReadonlyMap<string, number>;
  readonly eventLoopLongestMs: number | null;
}

/** What waits is not work, and what computes is a member's. */
const notTheCoordinators = /wait|compute|idle/i;

/** Takes the phases from wherever the file has them: the object with a number for `compute`, or for `update`. */
export function parseProfile(file: unknown): Profile {
  const longest = find(file, (entry) => typeof entry.eventLoopLongestMs === 'number')?.eventLoopLongestMs;
  const phases = find(file, (entry) => ['compute', 'update'].some((name) => typeof entry[name] === 'number')) ?? {};
  const numbers = Object.entries(phases).filter(
    (entry): entry is [string, number] => typeof entry[1] === 'number' && entry[0] !== 'eventLoopLongestMs',
  );
  return { phases: new Map(numbers), eventLoopLongestMs: typeof longest === 'number' ? longest : null };
}

/** Microseconds of a step that the coordinator itself works. */
export function ownWork({ phases }: Profile): number {
  return [...phases].reduce((sum, [phase, us]) => (notTheCoordinators.test(phase) ? sum : sum + us), 0);
}

function find(value: unknown, fits: (entry: Record<string, unknown>) => boolean): Record<string, unknown> | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const entry = value as Record<string, unknown>;
  if (fits(entry)) return entry;
  for (const inner of Object.values(entry)) {
    const found = find(inner, fits);
    if (found !== undefined) return found;
  }
  return undefined;
}
