/**
 * The pool: hands shards to members, and watches over them. The coordinator is a pool of workers; a worker is a pool of
 * threads.
 *
 * What this is: a synchronous, deterministic state machine. An event goes in, effects come out; every event carries
 * the time. What this is not: it sees no sockets, timers, weights or gradients. A partial sum is here only the name of
 * a node of the tree; the driver keeps the bytes.
 *
 * Invariants, for every unfinished job:
 *  - each of its slots is in exactly one place: pending, leased (perhaps to several members, as the same shard), or summed;
 *  - a node is summed once: results of leases that the pool no longer knows are discarded.
 *
 * A member that has returned no result yet is a stranger: it may never return one. As long as others answer, it gets
 * nothing but probes, single slots whose results are discarded. So no step waits for a stranger, however many there are.
 */
import { assert } from '../assert.js';
import { limits } from '../limits.js';
import { kinds } from '../work/kinds.js';
import { Crew } from './crew.js';
import { candidates, Distribution, evaluators, hasRoom, idleHelper, someoneHasRoom } from './distribution.js';
import { type Lease, Member, patience } from './member.js';
import type { DropReason, Job, PoolEffect, PoolEvent } from './pool-events.js';
import { farthestOff, latest } from './stragglers.js';
import { halves, parentOf, type Shard, sameShard, shardAt, shardEnd, shardKey } from './tree.js';

interface LeaseTerms {
  readonly wantedMs: number;
  readonly isProbe: boolean;
}

const ordinary: LeaseTerms = { wantedMs: Number.POSITIVE_INFINITY, isProbe: false };
const probing: LeaseTerms = { ...ordinary, isProbe: true };

interface JobState {
  readonly job: Job;
  /** The members that its shards are for. Others get one that is late, or that nobody of the crew has room for. */
  readonly crew: readonly Member[];
  readonly remoteMembers: number;
  readonly leases: Set<Lease>;
  readonly summed: Map<number, Shard>;
  pending: Shard[];
}

export class Pool {
  private readonly members = new Map<number, Member>();
  /** An array, because there are few: a Map that is emptied in each step leaves a chain of old tables in memory. */
  private readonly jobs: JobState[] = [];
  private readonly distribution = new Distribution();
  private readonly crew = new Crew();
  private nextLease = 1;
  private lastTickMs: number | null = null;
  private stranded = false;
  private remoteLeases = 0;
  private effects: PoolEffect[] = [];

  step(event: PoolEvent): PoolEffect[] {
    this.effects = [];
    this.forgiveOwnStall(event.nowMs);
    this.handle(event);
    this.noticeStranding();
    return this.effects;
  }

  /** What is believed of the members, for display. */
  *memberStates(): Iterable<Readonly<Member>> {
    yield* this.members.values();
  }

  memberState(member: number): Readonly<Member> | undefined {
    return this.members.get(member);
  }

  /** Where the shards of every unfinished job are: for checks of the invariants. */
  *places(): Iterable<{ job: Job; pending: readonly Shard[]; leased: readonly Shard[]; summed: readonly Shard[] }> {
    for (const { job, pending, leases, summed } of this.jobs) {
      yield { job, pending, leased: Array.from(leases, ({ shard }) => shard), summed: [...summed.values()] };
    }
  }

  get memberCount(): number {
    return this.members.size;
  }

  /** Whether a remote member has something to compute. */
  get remoteComputes(): boolean {
    return this.remoteLeases > 0;
  }

  private handle(event: PoolEvent): void {
    switch (event.type) {
      case 'joined':
        return this.join(event.member, event.remote, event.nowMs);
      case 'left':
        return this.leave(event.member, event.nowMs);
      case 'job':
        return this.begin(event.job, event.nowMs);
      case 'cancel':
        return this.cancel(event.job, event.nowMs);
      case 'result':
        return this.result(event.member, event.lease, event.nowMs, event.tookMs);
      case 'heard':
        return this.members.get(event.member)?.heard(event.nowMs);
      case 'tick':
        return this.tick(event.nowMs);
      default:
        event satisfies never;
    }
  }

  private join(id: number, remote: boolean, nowMs: number): void {
    assert(!this.members.has(id), 'member', id, 'joined twice');
    this.members.set(id, new Member(id, remote, nowMs));
    this.leasePending(nowMs);
    this.helpStragglers(nowMs);
    this.probeStrangers(nowMs);
  }

  private leave(id: number, nowMs: number): void {
    const member = this.members.get(id);
    if (member === undefined) return;
    this.dismiss(member);
    this.leasePending(nowMs);
  }

  private dismiss(member: Member): void {
    this.members.delete(member.id);
    for (const lease of member.leases) if (!lease.isProbe) this.reclaim(lease);
  }

  private begin(job: Job, nowMs: number): void {
    assert(this.jobState(job.id) === undefined, 'job', job.id, 'began twice');
    const crew = this.crewOf(job, nowMs);
    const remoteMembers = crew.filter(({ remote }) => remote).length;
    this.jobs.push({ job, crew, remoteMembers, leases: new Set(), summed: new Map(), pending: [job.shard] });
    this.leasePending(nowMs);
  }

  private crewOf(job: Job, nowMs: number): readonly Member[] {
    const members = this.known();
    if (!kinds[job.work].trains) return evaluators(job, members);
    const slots = shardEnd(job.shard, job.slots) - job.shard.lo;
    const { id, work, stepsLeft } = job;
    return this.crew.muster({ job: id, work, slots, stepsLeft, nowMs }, members, this.jobs.length === 0);
  }

  /** Everyone but the strangers; if there are only strangers, all. */
  private known(): readonly Member[] {
    const all = [...this.members.values()];
    if (!all.some(({ isStranger }) => isStranger)) return all;
    const known = all.filter(({ isStranger }) => !isStranger);
    return known.length > 0 ? known : all;
  }

  /** Whether a member answers pings, and is no stranger unless all that answer are strangers. */
  private isCountedOn(nowMs: number): (member: Member) => boolean {
    const isAwake = (member: Member) => this.members.has(member.id) && !member.isQuiet(nowMs);
    for (const member of this.members.values()) {
      if (!member.isStranger && isAwake(member)) return (other) => isAwake(other) && !other.isStranger;
    }
    return isAwake;
  }

  private cancel(id: number, nowMs: number): void {
    const state = this.jobState(id);
    if (state === undefined) return;
    for (const lease of [...state.leases]) {
      this.takeBack(lease, nowMs);
      this.end(lease);
    }
    this.remove(state);
    this.effects.push({ type: 'forget', job: id });
    this.leasePending(nowMs);
  }

  private result(memberId: number, leaseId: number, nowMs: number, tookMs: number | undefined): void {
    const member = this.members.get(memberId);
    member?.heard(nowMs);
    const lease = member?.leases.find(({ id }) => id === leaseId);
    if (lease === undefined) {
      this.effects.push({ type: 'discard', lease: leaseId });
      return;
    }
    lease.member.answered(lease, nowMs, tookMs);
    if (lease.isProbe) this.effects.push({ type: 'discard', lease: leaseId });
    else this.keep(lease, nowMs);
    this.leasePending(nowMs);
    this.helpStragglers(nowMs);
    if (lease.isProbe) this.probeStrangers(nowMs);
  }

  private keep(lease: Lease, nowMs: number): void {
    const { id, member, job, shard } = lease;
    const state = this.end(lease);
    this.effects.push({ type: 'keep', lease: id, job, shard });
    for (const twin of [...state.leases]) if (sameShard(twin.shard, shard)) this.overtake(twin, member.id, nowMs);
    this.sum(state, shard, nowMs);
  }

  /** Adds upwards from a node as long as its sibling is summed too. */
  private sum(state: JobState, node: Shard, nowMs: number): void {
    const { job } = state;
    while (!sameShard(node, job.shard)) {
      const parent = parentOf(node, job.slots);
      const [left, right] = halves(parent, job.slots);
      const other = sameShard(node, left) ? right : left;
      if (!state.summed.delete(shardKey(other))) {
        state.summed.set(shardKey(node), node);
        return;
      }
      this.effects.push({ type: 'combine', job: job.id, node: parent, left, right });
      node = parent;
    }
    this.remove(state);
    this.crew.completed(job.id, nowMs);
    this.effects.push({ type: 'complete', job: job.id });
  }

  private tick(nowMs: number): void {
    this.lastTickMs = nowMs;
    for (const member of [...this.members.values()]) if (member.remote) this.watch(member, nowMs);
    this.leasePending(nowMs);
    this.helpStragglers(nowMs);
    this.probeStrangers(nowMs);
  }

  private watch(member: Member, nowMs: number): void {
    if (nowMs - member.heardMs > patience.silenceMs) return this.drop(member, 'silent');
    if (member.wantsPing(nowMs)) {
      member.pinged(nowMs);
      this.effects.push({ type: 'ping', member: member.id });
    }
    member.becomeStrangerIfFruitless(nowMs);
    const overdue = member.overdue(nowMs);
    if (overdue !== undefined) this.expire(overdue, nowMs);
  }

  /** To be called first after a stall, so that newer events are not taken for older than the stall. */
  private forgiveOwnStall(nowMs: number): void {
    if (this.lastTickMs === null || nowMs - this.lastTickMs < patience.ownStallMs) return;
    for (const member of this.members.values()) member.forgiven(nowMs - this.lastTickMs, nowMs);
    this.lastTickMs = nowMs;
  }

  private expire(lease: Lease, nowMs: number): void {
    const { member } = lease;
    if (lease.isProbe) return this.drop(member, 'mute');
    member.expired(lease, nowMs);
    this.effects.push({ type: 'revoke', member: member.id, lease: lease.id });
    this.reclaim(lease);
    if (member.expiredInARow >= patience.expiredMax) this.drop(member, 'no-progress');
  }

  /** Another member has summed the shard. */
  private overtake(lease: Lease, by: number, nowMs: number): void {
    const { id, member, job, shard } = lease;
    member.overtaken(lease, nowMs);
    this.end(lease);
    this.effects.push({ type: 'overtaken', member: member.id, lease: id, by, job, shard });
  }

  /** Its shards are pending after that: the caller leases them again. */
  private drop(member: Member, reason: DropReason): void {
    this.dismiss(member);
    this.effects.push({ type: 'drop', member: member.id, reason });
  }

  private takeBack(lease: Lease, nowMs: number): void {
    lease.member.revoked(lease, nowMs);
    this.effects.push({ type: 'revoke', member: lease.member.id, lease: lease.id });
  }

  /** The lease is over. Its shard is pending again unless another member has it too. */
  private reclaim(lease: Lease): void {
    const state = this.end(lease);
    for (const twin of state.leases) if (sameShard(twin.shard, lease.shard)) return;
    state.pending.push(lease.shard);
  }

  private end(lease: Lease): JobState {
    const state = this.jobState(lease.job);
    assert(state !== undefined, 'lease', lease.id, 'outlived its job');
    state.leases.delete(lease);
    if (lease.member.remote) this.remoteLeases -= 1;
    return state;
  }

  private leasePending(nowMs: number): void {
    for (const state of this.jobs) {
      while (state.pending.length > 0 && someoneHasRoom(this.members.values())) {
        const pending = state.pending;
        state.pending = [];
        for (const shard of pending) this.distribute(state, shard, nowMs);
      }
    }
  }

  /** Splits a shard over the members of the job's crew that have room, else over any others that have. */
  private distribute(state: JobState, shard: Shard, nowMs: number): void {
    const { job } = state;
    const slots = shardEnd(shard, job.slots) - shard.lo;
    const members = this.recipients(state, slots, nowMs);
    if (members.length === 0) {
      state.pending.push(shard);
      return;
    }
    const isWhole = shard === job.shard && kinds[job.work].trains;
    const isTried = (member: Member) => isWhole && this.crew.isTried(member, job.work);
    const runs = this.distribution.runs(job, shard, members, isTried);
    for (const [i, run] of runs.entries()) {
      if (run.length === 0) this.passOver(members[i], state, isWhole, nowMs);
      else this.leaseRun(state, run, members[i], isTried(members[i]), nowMs);
    }
  }

  /** Members with room: those of the crew that can be counted on, else any others that can, else anyone. */
  private recipients({ crew }: JobState, slots: number, nowMs: number): Member[] {
    const isCountedOn = this.isCountedOn(nowMs);
    const some = candidates(crew.filter(isCountedOn), slots);
    if (some.length > 0) return some;
    const all = [...this.members.values()];
    const others = candidates(all.filter(isCountedOn), slots);
    return others.length > 0 ? others : candidates(all, slots);
  }

  /** Of a local member, and of any member that has no part of an evaluation, no step shows whether it is still slow. */
  private passOver(member: Member, { job }: JobState, isWhole: boolean, nowMs: number): void {
    if (isWhole && member.remote) this.crew.leftOut(member, job.work, nowMs);
    else member.passedOver(job.work);
  }

  /** Leases a run of shards. What its member has no room for is pending again. */
  private leaseRun(state: JobState, run: readonly Shard[], member: Member, isTried: boolean, nowMs: number): void {
    const { work, slots } = state.job;
    const terms = isTried ? { ...ordinary, wantedMs: this.crew.stepMs } : ordinary;
    for (const part of run) {
      for (const shard of member.divide(work, part, slots)) {
        if (hasRoom(member)) this.lease(state, shard, member, nowMs, terms);
        else state.pending.push(shard);
      }
    }
  }

  private lease(state: JobState, shard: Shard, member: Member, nowMs: number, terms: LeaseTerms): void {
    const { id: job, work } = state.job;
    const slots = shardEnd(shard, state.job.slots) - shard.lo;
    for (const probe of member.leases) if (probe.isProbe) this.takeBack(probe, nowMs);
    const lease: Lease = {
      id: this.nextLease++,
      job,
      work,
      shard,
      slots,
      member,
      boundMs: terms.isProbe ? limits.firstResultMsMax : member.boundMs(work, slots),
      ...terms,
      isMeasured: member.isMeasured(work),
      isFirst: member.leases.length === 0,
      among: state.remoteMembers,
      leasedMs: nowMs,
      startMs: member.freeMs(nowMs),
    };
    member.leased(lease);
    const { id: leaseId, isProbe } = lease;
    if (!isProbe) state.leases.add(lease);
    if (member.remote && !isProbe) this.remoteLeases += 1;
    this.effects.push({ type: 'lease', member: member.id, lease: leaseId, job: state.job, shard, isProbe });
  }

  /** Has strangers compute one slot each, of a step that others compute as well. */
  private probeStrangers(nowMs: number): void {
    const state = this.jobs.find(({ job }) => kinds[job.work].trains);
    if (state === undefined || this.known().some(({ isStranger }) => isStranger)) return;
    const strangers = [...this.members.values()].filter(({ isStranger }) => isStranger);
    const isFresh = ({ leases: [probe] }: Member) => probe !== undefined && !probe.member.isLate(probe, nowMs);
    const waiting = strangers.filter((member) => member.leases.length === 0 && !member.isQuiet(nowMs));
    const room = Math.max(0, patience.probesMax - strangers.filter(isFresh).length);
    for (const member of waiting.slice(0, room)) this.lease(state, slotOf(state.job, member), member, nowMs, probing);
  }

  /** Gives shards that are late, or that wait for their turn, to members that have nothing to do. */
  private helpStragglers(nowMs: number): void {
    while (this.someoneIsIdle()) {
      const late = latest(this.jobs, nowMs) ?? farthestOff(this.jobs, nowMs);
      const helper = late && idleHelper(this.members.values(), late.work, late.slots, this.isCountedOn(nowMs));
      if (late === undefined || helper === undefined) return;
      const state = this.jobState(late.job);
      assert(state !== undefined, 'lease', late.id, 'outlived its job');
      this.lease(state, late.shard, helper, nowMs, ordinary);
    }
  }

  private someoneIsIdle(): boolean {
    for (const { isIdle } of this.members.values()) if (isIdle) return true;
    return false;
  }

  private jobState(id: number): JobState | undefined {
    return this.jobs.find(({ job }) => job.id === id);
  }

  private remove(state: JobState): void {
    this.jobs.splice(this.jobs.indexOf(state), 1);
  }

  private noticeStranding(): void {
    const stranded = this.members.size === 0 && this.jobs.length > 0;
    if (stranded && !this.stranded) this.effects.push({ type: 'stranded' });
    if (this.stranded && this.members.size > 0) this.effects.push({ type: 'manned' });
    this.stranded = stranded;
  }
}

/** The slot that a stranger is given. Different strangers show what they can do with different samples. */
function slotOf({ shard, slots }: Job, { id }: Member): Shard {
  return shardAt(shard.lo + (id % (shardEnd(shard, slots) - shard.lo)), 1, slots);
}
