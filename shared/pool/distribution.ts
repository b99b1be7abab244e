/**
 * Decides which member gets which part of a shard: each gets as many slots as it can compute until all are done.
 *
 * What this is not: it changes nothing about the members and hands out no lease. The pool does.
 */
import { limits } from '../limits.js';
import { kinds, type WorkName } from '../work/kinds.js';
import type { TaskCost } from './cost.js';
import { RecentCuts } from './cuts.js';
import type { Member } from './member.js';
import type { Job } from './pool-events.js';
import { shares, sharesBySpeed } from './shares.js';
import { type Boundary, cut, LEASE, runsOf } from './split.js';
import { type Shard, shardEnd } from './tree.js';

export class Distribution {
  private readonly cuts = new RecentCuts();

  /**
   * The run of shards that each member is to sum, in the members' order. The run of a member that would keep the others
   * waiting is empty, except if `isTried` says that it is to be measured.
   */
  runs(job: Job, shard: Shard, members: readonly Member[], isTried: (member: Member) => boolean): Shard[][] {
    const { work, slots, sizeMax, shard: whole } = job;
    const hi = shardEnd(shard, slots);
    const shape = { work, lo: shard.lo, hi, members: members.map(({ id }) => id) };
    const held = this.cuts.find(shape);
    const costs = costsOf(members, work);
    const boundaries = members.some(({ remote }) => remote)
      ? cutFor(members, { lo: shard.lo, hi, work, slots, costs, mustWork: members.map(isTried) }, held)
      : cut(shard.lo, hi, sharesBySpeed(hi - shard.lo, costs), held);
    if (shard === whole) this.cuts.remember({ shape, boundaries });
    return runsOf(shard.lo, boundaries, slots, sizeMax);
  }
}

/** The slots [lo, hi) of a step, and what is known of those who get them. */
interface Division {
  readonly work: WorkName;
  readonly lo: number;
  readonly hi: number;
  /** Of the whole step. */
  readonly slots: number;
  readonly costs: readonly TaskCost[];
  readonly mustWork: readonly boolean[];
}

/** For members some of which are remote: it costs them time to have a part at all, and to have another one. */
function cutFor(
  members: readonly Member[],
  division: Division,
  held: readonly Boundary[] | undefined,
): readonly Boundary[] {
  const { work, lo, hi, costs, mustWork } = division;
  const isOfCrew = members.map((member) => kinds[work].trains && member.remote);
  const leads = costs.map(({ leadMs, slotMs }) => leadMs / slotMs);
  const fresh = cut(lo, hi, shares(hi - lo, costs, mustWork, isOfCrew), held, leads);
  return held !== undefined && isGoodEnough(division, held, fresh) ? held : fresh;
}

/** What this machine evaluates by itself. */
const momentMs = 1_000;

/** A cut stays if another one would take more than this part of its time. A slot that moves takes its samples along. */
const clearlyEarlier = 0.92;

function isGoodEnough(division: Division, held: readonly Boundary[], fresh: readonly Boundary[]): boolean {
  const runs = runsOf(division.lo, held, division.slots);
  if (runs.some(({ length }, i) => length === 0 && division.mustWork[i])) return false;
  return endMs(division, runsOf(division.lo, fresh, division.slots)) > clearlyEarlier * endMs(division, runs);
}

/** When the last member is done. */
function endMs({ slots, costs }: Division, runs: readonly Shard[][]): number {
  const times = costs.map(({ leadMs, slotMs }, i) => {
    const count = runs[i].reduce((sum, shard) => sum + shardEnd(shard, slots) - shard.lo, 0);
    return count === 0 ? 0 : leadMs * (1 + LEASE * (runs[i].length - 1)) + count * slotMs;
  });
  return Math.max(...times);
}

/**
 * What a task costs each member if so many remote ones take part, as far as it is believed. A member that is not measured
 * yet counts as an average one.
 */
export function costsOf(members: readonly Member[], work: WorkName, among = remoteOf(members)): TaskCost[] {
  const costs = members.map((member) => member.costs[work].amongst(among));
  const isKnown = ({ slotMs }: TaskCost) => slotMs > 0;
  // Threads alone are asked for in each step, and nobody doubts them.
  if (among === 0 && costs.every(isKnown)) return costs;
  const average = averageOf(costs.filter(isKnown));
  const averageRemote = averageOf(costs.filter((cost, i) => members[i].remote && isKnown(cost)));
  return costs.map((cost, i) => {
    if (!isKnown(cost)) return average;
    return members[i].remote ? members[i].costs[work].believed(cost, averageRemote) : cost;
  });
}

/**
 * The members that evaluate: those of this machine, if it takes them no longer than a moment, as far as is known. Others
 * would have to be sent the samples.
 */
export function evaluators({ work, shard, slots }: Job, members: readonly Member[]): readonly Member[] {
  const local = members.filter(({ remote }) => !remote);
  if (local.length === 0) return members;
  const perMs = local.reduce((sum, { costs }) => sum + (costs[work].isKnown ? 1 / costs[work].slotMs : 0), 0);
  const count = shardEnd(shard, slots) - shard.lo;
  return perMs > 0 && count / perMs > momentMs ? members : local;
}

function remoteOf(members: readonly Member[]): number {
  return members.reduce((count, { remote }) => count + Number(remote), 0);
}

/** The mean lead and the mean speed. Of nothing: any cost, which is then that of all. */
function averageOf(costs: readonly TaskCost[]): TaskCost {
  if (costs.length === 0) return { leadMs: 0, slotMs: 1 };
  const leadMs = costs.reduce((sum, cost) => sum + cost.leadMs, 0) / costs.length;
  const perMs = costs.reduce((sum, { slotMs }) => sum + 1 / slotMs, 0) / costs.length;
  return { leadMs, slotMs: 1 / perMs };
}

/**
 * Members with room, in the order of joining. If there are fewer slots than such members: first those that let no lease
 * expire, and for whom nobody finished a late shard, then the least busy ones.
 */
export function candidates(members: Iterable<Member>, slots: number): Member[] {
  const free = [...members].filter(hasRoom);
  if (free.length <= slots) return free;
  const order = (a: Member, b: Member) =>
    a.expiredInARow - b.expiredInARow ||
    a.overtakenInARow - b.overtakenInARow ||
    a.leases.length - b.leases.length ||
    a.id - b.id;
  return free.sort(order).slice(0, slots);
}

/**
 * The member that has nothing to do and would compute this many slots first, if there is one that can be counted on. A
 * member that has just let leases expire comes last, and before it one that is not measured yet.
 */
export function idleHelper(
  members: Iterable<Member>,
  work: WorkName,
  slots: number,
  isCountedOn: (member: Member) => boolean,
): Member | undefined {
  let best: Member | undefined;
  for (const member of members) {
    if (!member.isIdle || !isCountedOn(member)) continue;
    if (best === undefined || isBetterHelper(member, best, work, slots)) best = member;
  }
  return best;
}

function isBetterHelper(a: Member, b: Member, work: WorkName, slots: number): boolean {
  if (a.expiredInARow !== b.expiredInARow) return a.expiredInARow < b.expiredInARow;
  if (!a.isMeasured(work) || !b.isMeasured(work)) return a.isMeasured(work) && !b.isMeasured(work);
  return a.estimateMs(work, slots) < b.estimateMs(work, slots);
}

export function hasRoom(member: Member): boolean {
  return member.leases.length < limits.leasesPerMemberMax;
}

export function someoneHasRoom(members: Iterable<Member>): boolean {
  for (const member of members) if (hasRoom(member)) return true;
  return false;
}
