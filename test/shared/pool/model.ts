/**
 * A fleet on paper, for tests of the pool. It performs the pool's effects on sums that are formulas, and throws as soon
 * as the pool breaks one of its promises. Members answer, become silent and leave only when the test says so.
 */
import { limits } from '../../../shared/limits.js';
import { Pool } from '../../../shared/pool/pool.js';
import type { Job, PoolEffect, PoolEvent } from '../../../shared/pool/pool-events.js';
import { halves, isShard, type Shard, shardEnd, shardKey } from '../../../shared/pool/tree.js';
import type { WorkName } from '../../../shared/work/kinds.js';

export interface Handed {
  readonly lease: number;
  readonly member: number;
  readonly job: Job;
  readonly shard: Shard;
  readonly isProbe: boolean;
}

interface PaperMember {
  readonly remote: boolean;
  /** The leases that were neither revoked nor answered, in the order of arrival. */
  readonly leases: Handed[];
}

type Untimed<Event> = Event extends unknown ? Omit<Event, 'nowMs'> : never;

/** The sum of a shard, by the definition of the canonical tree (E3), independent of the code under test. */
export function formula(lo: number, size: number, slots: number): string {
  if (size === 1) return `${lo}`;
  const left = formula(lo, size / 2, slots);
  return lo + size / 2 < slots ? `(${left}+${formula(lo + size / 2, size / 2, slots)})` : left;
}

export class PaperFleet {
  readonly pool = new Pool();
  nowMs = 1_000;
  readonly members = new Map<number, PaperMember>();
  /** Sums of each unfinished job, by node. */
  private readonly sums = new Map<number, { job: Job; nodes: Map<number, string> }>();
  readonly completed = new Set<number>();
  /** Leases that ended without a result, because they were revoked or their member left. */
  readonly lapsed: Handed[] = [];
  readonly answered: Handed[] = [];
  readonly dropped: { readonly member: number; readonly reason: string }[] = [];
  readonly revoked: number[] = [];
  readonly pinged: number[] = [];
  readonly said: ('stranded' | 'manned')[] = [];
  /** The result that the pool is judging, with its verdict as soon as there is one. */
  private judged: { lease: number; member: number; fate: 'keep' | 'discard' | null } | null = null;
  private stranded = false;
  private nextMember = 1;
  private nextJob = 1;

  get unfinished(): readonly number[] {
    return [...this.sums.keys()];
  }

  join(remote = true): number {
    const member = this.nextMember++;
    this.members.set(member, { remote, leases: [] });
    this.send({ type: 'joined', member, remote });
    return member;
  }

  leave(member: number): void {
    this.lapse(member);
    this.send({ type: 'left', member });
  }

  run(slots: number, shard: Shard, sizeMax?: number, work: WorkName = 'gradient'): number {
    const job = { id: this.nextJob++, work, shard, slots, sizeMax };
    this.sums.set(job.id, { job, nodes: new Map() });
    this.send({ type: 'job', job });
    return job.id;
  }

  cancel(job: number): void {
    this.send({ type: 'cancel', job });
  }

  leasesOf(member: number): readonly Handed[] {
    return this.members.get(member)?.leases ?? [];
  }

  /** A member answers one of its leases. By default, this is its first one. */
  answer(member: number, at = 0): void {
    const [handed] = this.members.get(member)?.leases.splice(at, 1) ?? [];
    if (handed === undefined) return;
    this.answered.push(handed);
    this.result(handed, handed.isProbe ? 'discard' : 'keep');
  }

  /** A result arrives too late: its lease has ended, or was answered before. */
  answerInVain(handed: Handed): void {
    this.result(handed, 'discard');
  }

  tick(passedMs: number): void {
    this.nowMs += passedMs;
    this.send({ type: 'tick' });
  }

  heard(member: number): void {
    this.send({ type: 'heard', member });
  }

  /** Lets time pass in small steps. In each step, the members in `heard` (by default, all) give a sign of life. */
  pass(ms: number, heard?: readonly number[]): void {
    for (const endMs = this.nowMs + ms; this.nowMs < endMs; ) {
      for (const member of heard ?? [...this.members.keys()]) this.heard(member);
      this.tick(Math.min(100, endMs - this.nowMs));
    }
  }

  private result({ lease, member }: Handed, fate: 'keep' | 'discard'): void {
    this.judged = { lease, member, fate: null };
    this.send({ type: 'result', member, lease });
    check(this.judged.fate === fate, `lease ${lease}: ${fate} expected, not ${this.judged.fate}`);
    this.judged = null;
  }

  private send(event: Untimed<PoolEvent>): void {
    for (const effect of this.pool.step({ ...event, nowMs: this.nowMs } as PoolEvent)) this.carryOut(effect);
    this.checkInvariants();
  }

  private carryOut(effect: PoolEffect): void {
    switch (effect.type) {
      case 'lease':
        return this.leased(effect);
      case 'overtaken':
        check(this.sums.get(effect.job)?.nodes.has(shardKey(effect.shard)), `${effect.lease} is overtaken by nothing`);
        check(effect.by === this.judged?.member && effect.by !== effect.member, 'somebody else was first');
        this.revoked.push(effect.lease);
        return this.take(effect.member, effect.lease);
      case 'revoke':
        this.revoked.push(effect.lease);
        return this.take(effect.member, effect.lease);
      case 'keep':
        return this.keep(effect.lease, effect.job, effect.shard);
      case 'discard':
        return this.judge(effect.lease, 'discard');
      case 'combine':
        return this.combine(effect.job, effect.node, effect.left, effect.right);
      case 'complete':
        return this.complete(effect.job);
      case 'forget':
        check(this.sums.delete(effect.job), `job ${effect.job} is forgotten, but is not there`);
        return;
      case 'ping':
        check(this.members.get(effect.member)?.remote === true, 'only remote members are pinged');
        this.pinged.push(effect.member);
        return;
      case 'drop':
        check(this.members.get(effect.member)?.remote === true, 'only remote members are dropped');
        this.dropped.push({ member: effect.member, reason: effect.reason });
        return this.lapse(effect.member);
      case 'stranded':
      case 'manned':
        check(this.stranded === (effect.type === 'manned'), `${effect.type} is said twice`);
        this.stranded = effect.type === 'stranded';
        this.said.push(effect.type);
        return;
      default:
        effect satisfies never;
    }
  }

  private leased({ job, shard, lease, member: id, isProbe }: Handed): void {
    const member = this.members.get(id);
    check(member !== undefined, `lease ${lease} goes to member ${id}, which is gone`);
    check(!isProbe || member.leases.length === 0, `member ${id} has work, and gets a probe`);
    check(!member.leases.some((other) => other.isProbe), `member ${id} gets work, and keeps its probe`);
    check(this.sums.has(job.id), `lease ${lease} is of job ${job.id}, which is not running`);
    check(isShard(shard, job.slots), `lease ${lease} is of no shard`);
    check(shard.size <= (job.sizeMax ?? shard.size), `lease ${lease} is of a shard above the job's size`);
    member.leases.push({ job, shard, lease, member: id, isProbe });
    check(member.leases.length <= limits.leasesPerMemberMax, `member ${id} holds too many leases`);
  }

  /** Takes a lease away from its member. Its result may still arrive. */
  private take(member: number, lease: number): void {
    const leases = this.members.get(member)?.leases ?? [];
    const at = leases.findIndex((handed) => handed.lease === lease);
    check(at >= 0, `lease ${lease} is revoked, but member ${member} does not hold it`);
    this.lapsed.push(...leases.splice(at, 1));
  }

  private lapse(member: number): void {
    this.lapsed.push(...this.leasesOf(member));
    this.members.delete(member);
  }

  private judge(lease: number, fate: 'keep' | 'discard'): void {
    check(this.judged?.lease === lease && this.judged.fate === null, `lease ${lease} is judged out of turn`);
    this.judged.fate = fate;
  }

  private keep(lease: number, id: number, shard: Shard): void {
    this.judge(lease, 'keep');
    const { job, nodes } = this.job(id);
    check(!nodes.has(shardKey(shard)), `${shard.lo}+${shard.size} is summed twice`);
    nodes.set(shardKey(shard), formula(shard.lo, shard.size, job.slots));
  }

  private combine(id: number, node: Shard, left: Shard, right: Shard): void {
    const { job, nodes } = this.job(id);
    check(JSON.stringify(halves(node, job.slots)) === JSON.stringify([left, right]), 'combines what are not halves');
    const [a, b] = [nodes.get(shardKey(left)), nodes.get(shardKey(right))];
    check(a !== undefined && b !== undefined, `${node.lo}+${node.size} is combined of sums that are not there`);
    nodes.delete(shardKey(left));
    nodes.delete(shardKey(right));
    nodes.set(shardKey(node), `(${a}+${b})`);
  }

  private complete(id: number): void {
    const { job, nodes } = this.job(id);
    const expected = formula(job.shard.lo, job.shard.size, job.slots);
    check(nodes.size === 1, `job ${id} is complete with ${nodes.size} sums`);
    check(nodes.get(shardKey(job.shard)) === expected, `job ${id} is summed in another order than the tree's`);
    this.sums.delete(id);
    this.completed.add(id);
  }

  private job(id: number): { job: Job; nodes: Map<number, string> } {
    const sums = this.sums.get(id);
    check(sums !== undefined, `job ${id} is not running`);
    return sums;
  }

  private checkInvariants(): void {
    const places = [...this.pool.places()];
    check(
      places.map(({ job }) => job.id).join() === this.unfinished.join(),
      'the pool runs other jobs than it was given',
    );
    for (const place of places) this.checkPlaces(place.job, place.pending, place.leased, place.summed);
    this.checkMembers();
    if (places.length === 0) this.stranded = false;
    else check(this.stranded === (this.members.size === 0), 'stranded or manned, and did not say so');
  }

  /** Each slot is in exactly one place, except that a whole shard may be leased to several members. */
  private checkPlaces(job: Job, pending: readonly Shard[], leased: readonly Shard[], summed: readonly Shard[]): void {
    const once = leased.filter((shard, i) => leased.findIndex((other) => shardKey(other) === shardKey(shard)) === i);
    const slots = [...pending, ...once, ...summed].flatMap((shard) => slotsIn(shard, job.slots));
    const all = slotsIn(job.shard, job.slots);
    check(slots.sort((a, b) => a - b).join() === all.join(), `job ${job.id}: a slot is lost, or in two places`);
    check([...this.job(job.id).nodes.keys()].sort().join() === summed.map(shardKey).sort().join(), 'sums differ');
    check(pending.length === 0 || this.isFull(), `job ${job.id}: shards wait although a member has room`);
    const held = [...this.members.values()]
      .flatMap(({ leases }) => leases)
      .filter((handed) => handed.job.id === job.id && !handed.isProbe);
    check(
      new Set(held.map((h) => `${h.member} ${shardKey(h.shard)}`)).size === held.length,
      'a member has a shard twice',
    );
    check(
      held
        .map((h) => shardKey(h.shard))
        .sort()
        .join() === leased.map(shardKey).sort().join(),
      'a lease is lost',
    );
  }

  private isFull(): boolean {
    return [...this.members.values()].every(({ leases }) => leases.length >= limits.leasesPerMemberMax);
  }

  private checkMembers(): void {
    check(this.pool.memberCount === this.members.size, 'the pool has other members than it should');
    const working = [...this.pool.memberStates()].filter(
      ({ remote, leases }) => remote && leases.some((l) => !l.isProbe),
    );
    check(this.pool.remoteComputes === working.length > 0, 'the pool does not know whether a remote member computes');
    for (const { id, leases, costs } of this.pool.memberStates()) {
      const held = this.leasesOf(id).map(({ lease }) => lease);
      check(leases.map((lease) => lease.id).join() === held.join(), `member ${id} holds other leases than believed`);
      for (const { leadMs, slotMs } of Object.values(costs)) {
        check(Number.isFinite(slotMs) && slotMs >= 0, `member ${id}: ${slotMs} ms a slot`);
        check(Number.isFinite(leadMs) && leadMs >= 0, `member ${id}: ${leadMs} ms for the way`);
      }
      for (const { startMs } of leases) check(Number.isFinite(startMs), `member ${id}: a lease begins at ${startMs}`);
      check((leases[0]?.startMs ?? 0) <= this.nowMs, `member ${id}: the lease at work begins in the future`);
    }
  }
}

function slotsIn(shard: Shard, slots: number): number[] {
  return Array.from({ length: shardEnd(shard, slots) - shard.lo }, (_, i) => shard.lo + i);
}

function check(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(message);
}
