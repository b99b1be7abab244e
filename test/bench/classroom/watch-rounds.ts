/**
 * Counts the workers that have a part in each round. A program of its own, because it runs on the coordinator's host:
 *
 *     node watch-rounds.js URL     prints a JSON line for each look at the run
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { RunState } from '../../../coordinator/web/state.js';

/** The coordinator makes a new state four times a second. */
const lookMs = 125;

/**
 * One look: the round that is computed, and the shards of each worker so far, by its number: those whose results were used, and
 * those that it was given because another worker was late.
 */
export interface Look {
  readonly round: number;
  readonly atMs: number;
  readonly shards: Readonly<Record<number, number>>;
  /** Of the newest evaluation. */
  readonly testAccuracy: number | null;
}

/**
 * The workers that have computed something, for each round that is seen to begin and to end. A look may come up to a quarter of a
 * second after the round's end. Pure.
 */
export function workersPerRound(looks: readonly Look[]): number[] {
  const counts: number[] = [];
  let begun: Look | undefined;
  for (const look of looks) {
    if (begun !== undefined && look.round === begun.round) continue;
    if (begun !== undefined) counts.push(contributors(begun, look) / (look.round - begun.round));
    begun = look;
  }
  return counts;
}

function contributors(from: Look, to: Look): number {
  return Object.entries(to.shards).reduce(
    (sum, [member, shards]) => sum + Math.min(shards - (from.shards[Number(member)] ?? 0), to.round - from.round),
    0,
  );
}

async function look(url: string): Promise<Look | null> {
  const response = await fetch(`${url}/api/state`).catch(() => null);
  // Before it listens, and before the run is open.
  if (response?.ok !== true) return null;
  const { step, workers, testAccuracy } = (await response.json()) as RunState;
  const shards = Object.fromEntries(workers.map(({ member, shards, copiesAgreed }) => [member, shards + copiesAgreed]));
  return { round: step, atMs: Date.now(), shards, testAccuracy };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (;;) {
    const seen = await look(process.argv[2]);
    if (seen !== null) process.stdout.write(`${JSON.stringify(seen)}\n`);
    await sleep(lookMs);
  }
}
