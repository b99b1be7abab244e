/**
 * Finds the lease that an idle member should compute as well. The first of the two results counts.
 *
 * What this is not: it does not choose the member (distribution.ts), and it hands out no lease.
 */
import type { Lease } from './member.js';
import { sameShard } from './tree.js';

/** The leases of one job. */
type Leases = Iterable<Lease>;

/** The late lease whose shard has the fewest holders, and of these the oldest one. */
export function latest(jobs: Iterable<{ readonly leases: Leases }>, nowMs: number): Lease | undefined {
  let worst: Lease | undefined;
  let fewest = Number.POSITIVE_INFINITY;
  for (const { leases } of jobs) {
    for (const lease of leases) {
      if (!lease.member.isLate(lease, nowMs) || isHelped(lease, leases, nowMs)) continue;
      const holders = holdersOf(lease, leases);
      if (worst !== undefined && (holders - fewest || lease.startMs - worst.startMs) >= 0) continue;
      [worst, fewest] = [lease, holders];
    }
  }
  return worst;
}

/** The lease that its member, which is not measured yet, would begin with last, if it would have to wait for long. */
export function farthestOff(jobs: Iterable<{ readonly leases: Leases }>, nowMs: number): Lease | undefined {
  let last: Lease | undefined;
  for (const { leases } of jobs) {
    for (const lease of leases) {
      if (!lease.member.isFarOff(lease, nowMs) || holdersOf(lease, leases) > 1) continue;
      if (last === undefined || lease.startMs > last.startMs) last = lease;
    }
  }
  return last;
}

function holdersOf({ shard }: Lease, leases: Leases): number {
  let holders = 0;
  for (const other of leases) if (sameShard(other.shard, shard)) holders += 1;
  return holders;
}

/** Whether somebody has the shard who is not late with it. From others than reliable ones, it may never come. */
function isHelped({ shard }: Lease, leases: Leases, nowMs: number): boolean {
  for (const other of leases) {
    const { member } = other;
    if (sameShard(other.shard, shard) && member.isReliable && !member.isLate(other, nowMs)) return true;
  }
  return false;
}
