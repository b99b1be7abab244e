import { cover, type Shard } from './tree.js';

/** A share that is this fraction of an even one off its ideal is still good, when that makes for larger shards. */
const TOLERANCE = 0.2;

/**
 * Cuts the slots [lo, hi) into one run for each member, in proportion to `speeds` (slots per millisecond, all above 0;
 * equal when nothing is known), and each run into the fewest shards. A boundary may move a little to where the
 * canonical tree is cut higher up: a shard is one message and one partial gradient, so fewer are better, and a
 * boundary that does not follow every flicker of the speeds keeps slots, and thus samples, where they are.
 *
 * Returns, for each member in order, its shards over a tree of `slots`, none of a size above `sizeMax`; a run may be
 * empty.
 */
export function split(lo: number, hi: number, slots: number, speeds: readonly number[], sizeMax?: number): Shard[][] {
  const total = speeds.reduce((sum, speed) => sum + speed, 0);
  const tolerance = (TOLERANCE * (hi - lo)) / speeds.length;
  const runs: Shard[][] = [];
  let from = lo;
  let soFar = 0;
  for (const [i, speed] of speeds.entries()) {
    soFar += speed;
    const ideal = lo + ((hi - lo) * soFar) / total;
    const to = i === speeds.length - 1 ? hi : Math.max(from, roundBoundary(ideal, tolerance, lo, hi));
    runs.push(cover(from, to, slots, sizeMax));
    from = to;
  }
  return runs;
}

/** The slot number within `tolerance` of `ideal` that the most powers of two divide; the nearest one if none is. */
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
