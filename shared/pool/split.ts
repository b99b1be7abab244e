import { cover, type Shard } from './tree.js';

/**
 * A boundary may move from its ideal by this fraction of an even share if that makes larger shards, and by half of the
 * smaller share beside it at most.
 */
const TOLERANCE = 0.2;

/** A shard more costs a member about this part of its lead. */
export const LEASE = 0.3;

/** A boundary stays until its ideal has moved by this fraction of the smaller share beside it. */
const HOLD = 0.15;

/**
 * If a member's share is below 1/8 of a slot, give it nothing: one whole slot would take it at least eight step times,
 * and all others would wait.
 */
const SHARE_MIN = 1 / 8;

/** Where a member's run ends. */
export interface Boundary {
  readonly end: number;
  /** Where it would have ended if the speeds alone had decided when it was placed. */
  readonly ideal: number;
}

/**
 * Cuts the slots [lo, hi) into one run for each member, in proportion to `speeds` (slots per millisecond, all above 0;
 * equal when nothing is known). The run of a member whose share is too small is empty.
 *
 * A boundary may move a little, to where the canonical tree is cut higher up: a shard is one message and one partial
 * gradient, so fewer shards are better. `leads` says how many slots each member could compute in the time of its lead. A
 * boundary stays where it was in `held`, the cut before, unless the speeds have really changed: a member that keeps its
 * slots is sent no sample twice.
 */
export function cut(
  lo: number,
  hi: number,
  speeds: readonly number[],
  held?: readonly Boundary[],
  leads: readonly number[] = [],
): Boundary[] {
  const perSpeed = (hi - lo) / speeds.reduce((sum, speed) => sum + speed, 0);
  const tolerance = (TOLERANCE * (hi - lo)) / speeds.length;
  const hasShare = (speed: number) => speed * perSpeed >= SHARE_MIN;
  const last = speeds.findLastIndex(hasShare);
  const cuts: Boundary[] = [];
  let ideal = lo;
  let from = lo;
  for (const [i, speed] of speeds.entries()) {
    ideal += speed * perSpeed;
    const smaller = perSpeed * Math.min(speed, speeds[i + 1] ?? speed);
    const slack = HOLD * smaller;
    const saved = LEASE * Math.min(leads[i] ?? 0, leads[i + 1] ?? 0);
    const room = Math.min(Math.max(tolerance, saved), smaller / 2);
    const before = held?.[i];
    const stays = before !== undefined && Math.abs(before.ideal - ideal) <= slack;
    const { end, ideal: placed } = stays ? before : { end: roundBoundary(ideal, room, lo, hi), ideal };
    if (i >= last) from = hi;
    else if (hasShare(speed)) from = Math.max(from, end);
    cuts.push({ end: from, ideal: placed });
  }
  return cuts;
}

/** Each run of a cut as the fewest shards of a tree over `slots`. No shard is larger than `sizeMax`. */
export function runsOf(lo: number, cuts: readonly Boundary[], slots: number, sizeMax?: number): Shard[][] {
  return cuts.map(({ end }, i) => cover(cuts[i - 1]?.end ?? lo, end, slots, sizeMax));
}

/** The slot number within `tolerance` of `ideal` that the largest power of two divides; else the nearest one. */
function roundBoundary(ideal: number, tolerance: number, lo: number, hi: number): number {
  let best = clamp(Math.round(ideal), lo, hi);
  for (let size = 2; size <= hi - lo; size *= 2) {
    const candidate = Math.round(ideal / size) * size;
    if (candidate < lo || candidate > hi || Math.abs(candidate - ideal) > tolerance) continue;
    best = candidate;
  }
  return best;
}

function clamp(x: number, low: number, high: number): number {
  return Math.min(Math.max(x, low), high);
}
