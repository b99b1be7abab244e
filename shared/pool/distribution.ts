/**
 * Decides which member gets which part of a shard: members with room, in proportion to their speed.
 *
 * What this is not: it changes nothing about the members and hands out no lease. The pool does.
 */
import { limits } from '../limits.js';
import type { WorkName } from '../work/kinds.js';
import { RecentCuts } from './cuts.js';
import type { Member } from './member.js';
import type { Job } from './pool-events.js';
import { cut, runsOf } from './split.js';
import { type Shard, shardEnd } from './tree.js';

export class Distribution {
  private readonly cuts = new RecentCuts();

  /** The run of shards that each member is to sum, in the members' order. A slow member's run may be empty. */
  runs({ work, slots, sizeMax, shard: whole }: Job, shard: Shard, members: readonly Member[]): Shard[][] {
    const hi = shardEnd(shard, slots);
    const shape = { work, lo: shard.lo, hi, members: members.map(({ id }) => id) };
    const boundaries = cut(shard.lo, hi, speeds(members, work), this.cuts.find(shape));
    if (shard === whole) this.cuts.remember({ shape, boundaries });
    return runsOf(shard.lo, boundaries, slots, sizeMax);
  }
}

/** Slots per millisecond of each member. A member that is not measured yet counts as an average one. */
function speeds(members: readonly Member[], work: WorkName): number[] {
  const known = members.filter(({ msPerSlot }) => msPerSlot[work] > 0).map(({ msPerSlot }) => 1 / msPerSlot[work]);
  const average = known.length === 0 ? 1 : known.reduce((sum, x) => sum + x, 0) / known.length;
  return members.map(({ msPerSlot }) => (msPerSlot[work] > 0 ? 1 / msPerSlot[work] : average));
}

/**
 * Members with room, in the order of joining. If there are fewer slots than such members: first those that let no lease
 * expire, then the least busy ones.
 */
export function candidates(members: Iterable<Member>, slots: number): Member[] {
  const free = [...members].filter(hasRoom);
  if (free.length <= slots) return free;
  const order = (a: Member, b: Member) =>
    a.expiredInARow - b.expiredInARow || a.leases.length - b.leases.length || a.id - b.id;
  return free.sort(order).slice(0, slots);
}

/** A member that has nothing to do, if there is one. A member that has just let leases expire comes last. */
export function idleHelper(members: Iterable<Member>): Member | undefined {
  let best: Member | undefined;
  for (const member of members) {
    if (member.leases.length > 0) continue;
    if (best === undefined || member.expiredInARow < best.expiredInARow) best = member;
  }
  return best;
}

export function hasRoom(member: Member): boolean {
  return member.leases.length < limits.leasesPerMemberMax;
}

export function someoneHasRoom(members: Iterable<Member>): boolean {
  for (const member of members) if (hasRoom(member)) return true;
  return false;
}
