/** Runs steps on a fleet on paper. Each member has its own speed. */

import { rootShard, shardEnd } from '../../../shared/pool/tree.js';
import type { WorkName } from '../../../shared/work/kinds.js';
import { PaperFleet } from './model.js';

export const slotsHeld = (fleet: PaperFleet, member: number) =>
  fleet.leasesOf(member).reduce((sum, { shard, job }) => sum + shardEnd(shard, job.slots) - shard.lo, 0);

export const stateOf = (fleet: PaperFleet, member: number) => {
  const state = [...fleet.pool.memberStates()].find(({ id }) => id === member);
  if (state === undefined) throw new Error(`no member ${member}`);
  return state;
};

/** Runs a step. Every member works through its leases in order, and takes its `msPerSlot` for each slot. */
export function step(
  fleet: PaperFleet,
  slots: number,
  msPerSlot: ReadonlyMap<number, number>,
  whenLeased: () => void = () => {},
  work: WorkName = 'gradient',
): void {
  const job = fleet.run(slots, rootShard(slots), undefined, work);
  whenLeased();
  const begunMs = new Map<number, number>();
  const dueMs = (member: number): number => {
    const [first] = fleet.leasesOf(member);
    if (first === undefined) return Number.POSITIVE_INFINITY;
    if (!begunMs.has(first.lease)) begunMs.set(first.lease, fleet.nowMs);
    const cost = shardEnd(first.shard, slots) - first.shard.lo;
    return (begunMs.get(first.lease) ?? 0) + (msPerSlot.get(member) ?? 1) * cost;
  };
  while (!fleet.completed.has(job)) {
    const due = [...msPerSlot.keys()].map((member) => ({ member, atMs: dueMs(member) }));
    const next = due.reduce((a, b) => (b.atMs < a.atMs ? b : a));
    // A tick may hand out more leases, so the next answer is looked for again after 100 ms.
    const waitMs = Math.max(0, next.atMs - fleet.nowMs);
    if (waitMs > 0) fleet.pass(Math.min(100, waitMs));
    if (waitMs <= 100) fleet.answer(next.member);
  }
}

/** A fleet whose members the pool has measured: each takes one millisecond for a slot. */
export function fleetOf(count: number): { fleet: PaperFleet; members: number[] } {
  const fleet = new PaperFleet();
  const members = Array.from({ length: count }, () => fleet.join());
  fleet.tick(0);
  const even = new Map(members.map((member) => [member, 1]));
  for (let i = 0; i < 3; i++) step(fleet, 32, even);
  return { fleet, members };
}
