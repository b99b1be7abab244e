import { forEachKind, type WorkName } from '../work/kinds.js';
import { Cost } from './cost.js';
import { cover, type Shard, shardAt, shardEnd } from './tree.js';

/** A shard handed to a member, for a bounded time. */
export interface Lease {
  readonly id: number;
  readonly job: number;
  readonly work: WorkName;
  readonly shard: Shard;
  /** Slots in the shard: what it costs. */
  readonly slots: number;
  readonly member: Member;
  /** How long it may take once it has begun. */
  readonly boundMs: number;
  /** How long it should take, whatever the member's own estimate is, before an idle member computes it as well. */
  readonly wantedMs: number;
  /** Only shows what a stranger can do: its result is not used, and no job waits for it. */
  readonly isProbe: boolean;
  /** Whether something was known of the member's speed. If not, it may have been given far too much. */
  readonly isMeasured: boolean;
  /** Whether the member was idle before: then its lead counts. */
  readonly isFirst: boolean;
  /** How many remote members the job is for. */
  readonly among: number;
  /** When it was handed out. */
  readonly leasedMs: number;
  /** When the member began with it, or is expected to begin. A member works through its leases in order. */
  startMs: number;
}

/** How long a lease may take, and how long a member may be silent. */
export const patience = {
  /** The time for a lease without an estimate, and the shortest time for any lease. */
  firstLeaseMs: 30_000,
  leaseMsMin: 2_000,
  /** A member of which nothing is known gets its slots in about this many shards. */
  firstShards: 8,
  /** If such a member will not begin with a shard for this long, an idle member gets it as well. */
  queuedMs: 1_000,
  /** A lease may take this many times the member's own estimate. The second factor holds after an expired lease. */
  leaseFactor: 8,
  leaseFactorExpired: 2,
  /** Leases that a member may let expire in a row before it is dropped. */
  expiredMax: 3,
  /** A lease that takes this many times its estimate is given to an idle member as well. */
  stragglerFactor: 2,
  /**
   * The same where the member leaves a ping unanswered for so long, though that is no proof: a tab that computes answers
   * nothing, and a tab that sleeps does not either. The ping is sent when the lease has taken `askedFactor` times its estimate.
   */
  stragglerFactorMute: 1.5,
  muteMs: 100,
  askedFactor: 1.2,
  stragglerMsMin: 50,
  /** The same for a member with no estimate yet, whose first shard comes with samples. */
  stragglerMsUnmeasured: 1_000,
  /** A member that others finished its last shard for, and that has returned nothing for this long, is a stranger again. */
  fruitlessMs: 30_000,
  /** Strangers that are given a probe within a second: so the weights for many of them do not hold up a step. */
  probesMax: 4,
  /** A remote member is asked for a sign of life this often, and is gone after this long without one. */
  pingMs: 1_000,
  silenceMs: 10_000,
  /** A member that leaves a ping unanswered for this long may be asleep: others compute its shards, and it gets no new ones. */
  quietMs: 1_000,
  /** If a tick comes later than this, we stood still ourselves. That time does not count against any member. */
  ownStallMs: 1_000,
} as const;

/** Each time a slow member gets no work, its cost is multiplied by this, so that it is tried again. */
const PASSED_OVER_FACTOR = 0.99;

interface Burst {
  slots: number;
  leadMs: number;
  /** Whether all of its leases were answered in their order. */
  isMeasured: boolean;
}

const noBurst: Burst = { slots: 0, leadMs: 0, isMeasured: true };

/** All that a pool believes about one member. Its state changes only through the events below. */
export class Member {
  /** In the order in which they were handed out. The member works in this order. */
  readonly leases: Lease[] = [];
  /** What a task of each kind costs it. Unknown until the first result. */
  readonly costs = forEachKind(() => new Cost());
  /** Has no part of the training steps, because they take less time without it (crew.ts). */
  isSpare = false;
  /** When it last became a spare or stopped being one; null for a member that never had a part of a training step. */
  triedMs: number | null = null;
  /** Since its last result: leases that expired, and late shards that others finished for it. */
  expiredInARow = 0;
  overtakenInARow = 0;
  /**
   * Whether nothing is known of it: a remote member has returned no result yet, or none for a while though it had work. No
   * step waits for a stranger, as long as there are others.
   */
  isStranger: boolean;
  private answeredMs: number;
  heardMs: number;
  pingedMs: number;
  /**
   * A late shard that another member finished first, while this one left a ping unanswered. It is slow, or asleep: when its
   * next sign of life comes tells which.
   */
  private unjudged: Lease | null = null;
  /** When the first ping was sent that it has not answered. Null if it has answered all. */
  private unansweredMs: number | null = null;
  /** Since it was idle: slots that it computed, and the time of these leases that it did not compute. */
  private readonly burst: Burst = { ...noBurst };

  constructor(
    readonly id: number,
    /** A remote member can fall silent; a local thread cannot. */
    readonly remote: boolean,
    nowMs: number,
  ) {
    this.isStranger = remote;
    this.answeredMs = nowMs;
    this.heardMs = nowMs;
    this.pingedMs = nowMs;
  }

  /** Whether it can begin at once. A probe is worth less than any work. */
  get isIdle(): boolean {
    return this.leases.length === 0 || this.leases[0].isProbe;
  }

  /** Whether it returned the last shard that it had, and in time. */
  get isReliable(): boolean {
    return !this.isStranger && this.expiredInARow === 0 && this.overtakenInARow === 0;
  }

  private get mayBeMute(): boolean {
    return this.isStranger || this.overtakenInARow > 1;
  }

  /** Whether its own results say how fast it is. */
  isMeasured(work: WorkName): boolean {
    return !this.isStranger && this.costs[work].isKnown;
  }

  /** Milliseconds that the member needs for this many slots, as far as we know; 0 before the first result. */
  estimateMs(work: WorkName, slots: number, isFirst = true): number {
    const { leadMs, slotMs } = this.costs[work];
    return (isFirst ? leadMs : 0) + slots * slotMs;
  }

  /** How long the member may take for this many slots. */
  boundMs(work: WorkName, slots: number): number {
    const { firstLeaseMs, leaseMsMin, leaseFactor, leaseFactorExpired } = patience;
    if (!this.costs[work].isKnown) return firstLeaseMs;
    const factor = this.expiredInARow === 0 ? leaseFactor : leaseFactorExpired;
    return Math.max(factor * this.estimateMs(work, slots), this.isStranger ? firstLeaseMs : leaseMsMin);
  }

  /** When the member should be done with all its leases. */
  freeMs(nowMs: number): number {
    const last = this.leases.at(-1);
    return last === undefined ? nowMs : Math.max(nowMs, last.startMs + this.leaseMs(last));
  }

  /** True when a lease takes so much longer than it should that an idle member should compute it as well. */
  isLate(lease: Lease, nowMs: number): boolean {
    return this.isLaterThan(Math.min(this.leaseMs(lease), lease.wantedMs), lease, nowMs);
  }

  /** The lease that has expired, if one has. Only the first can: the member has not begun with the others. */
  overdue(nowMs: number): Lease | undefined {
    const first = this.leases[0];
    return first !== undefined && nowMs > first.startMs + first.boundMs ? first : undefined;
  }

  /**
   * The shards in which it is given a shard of a step with so many slots: the shard itself. If nothing is known of the
   * member, the first one is a single slot, and the others are small: a slow device shows what it can do before its time is
   * up, and others can help it.
   */
  divide(work: WorkName, shard: Shard, slots: number): Shard[] {
    if (!this.remote || this.isMeasured(work)) return [shard];
    const [lo, hi] = [shard.lo, shardEnd(shard, slots)];
    const size = Math.max(1, (hi - lo) / patience.firstShards);
    return [shardAt(lo, 1, slots), ...cover(lo + 1, hi, slots, Math.min(shard.size, size))];
  }

  /** It was given so much before it was measured that an idle member should compute this one, which waits for its turn. */
  isFarOff(lease: Lease, nowMs: number): boolean {
    const mayWait = !this.remote || lease.isMeasured || lease === this.leases[0];
    return !mayWait && lease.startMs - nowMs >= patience.queuedMs;
  }

  leased(lease: Lease): void {
    this.leases.push(lease);
  }

  /** A result proves progress. It is a measurement too, unless it came out of turn: then we do not know its start. */
  answered(lease: Lease, nowMs: number, tookMs: number | undefined): void {
    if (lease === this.leases[0]) this.measure(lease, nowMs, tookMs);
    else this.burst.isMeasured = false;
    this.expiredInARow = 0;
    this.overtakenInARow = 0;
    this.answeredMs = nowMs;
    this.isStranger = false;
    this.removeLease(lease, nowMs);
  }

  /** The member did not finish in time: its estimate grows, so that it gets less. */
  expired(lease: Lease, nowMs: number): void {
    this.burst.isMeasured = false;
    if (!this.isQuiet(nowMs)) this.becomeSlower(lease, nowMs);
    this.expiredInARow += 1;
    this.removeLease(lease, nowMs);
  }

  /** Another member finished the shard first. If this one was late, that is a measurement of it as well. */
  overtaken(lease: Lease, nowMs: number): void {
    this.burst.isMeasured = false;
    const isSlow = !this.isQuiet(nowMs) && this.isLaterThan(this.leaseMs(lease), lease, nowMs);
    if (lease === this.leases[0] && isSlow) {
      const mayBeAsleep = this.unansweredMs !== null && this.overtakenInARow === 0;
      if (mayBeAsleep) this.unjudged = lease;
      else this.becomeSlower(lease, nowMs);
      this.overtakenInARow += 1;
    }
    // If nothing more may come from it, its other shards are as late as this one.
    this.removeLease(lease, this.mayBeMute ? lease.startMs : nowMs);
  }

  revoked(lease: Lease, nowMs: number): void {
    this.burst.isMeasured = false;
    this.removeLease(lease, nowMs);
  }

  /** It must show first that it still computes. */
  becomeStrangerIfFruitless(nowMs: number): void {
    if (this.overtakenInARow > 0 && nowMs - this.answeredMs >= patience.fruitlessMs) this.isStranger = true;
  }

  /**
   * Too slow to get a part of a shard. Its estimate shrinks: without work, it could never show that it is fast again.
   */
  passedOver(work: WorkName): void {
    this.costs[work].scale(PASSED_OVER_FACTOR);
  }

  /** Gets its part of the training steps from now on. What is believed of its cost may be old. */
  becomeWorking(nowMs: number): void {
    if (!this.isSpare && this.triedMs !== null) return;
    for (const cost of Object.values(this.costs)) cost.renewed();
    this.isSpare = false;
    this.triedMs = nowMs;
  }

  becomeSpare(nowMs: number): void {
    if (this.isSpare) return;
    this.isSpare = true;
    this.triedMs = nowMs;
  }

  heard(nowMs: number): void {
    const { unjudged } = this;
    const wasAsleep = this.leavesPings(nowMs);
    this.unjudged = null;
    if (unjudged !== null && !wasAsleep) this.becomeSlower(unjudged, nowMs);
    this.heardMs = nowMs;
    this.unansweredMs = null;
  }

  pinged(nowMs: number): void {
    this.pingedMs = nowMs;
    this.unansweredMs ??= nowMs;
  }

  /** It may be asleep, like the tab of a phone that was put away. That does not make it slow for the time after. */
  isQuiet(nowMs: number): boolean {
    return this.unjudged !== null || this.leavesPings(nowMs);
  }

  private leavesPings(nowMs: number, ms: number = patience.quietMs): boolean {
    return this.unansweredMs !== null && nowMs - this.unansweredMs >= ms;
  }

  /** Whether it should be asked for a sign of life: now and then, and when it takes longer than it should. */
  wantsPing(nowMs: number): boolean {
    if (nowMs - this.pingedMs >= patience.pingMs) return true;
    const first = this.leases[0];
    if (first === undefined || this.unansweredMs !== null || this.pingedMs >= first.startMs) return false;
    return this.isMeasured(first.work) && nowMs - first.startMs >= patience.askedFactor * this.leaseMs(first);
  }

  /** We stood still until now. That time does not count against any member. */
  forgiven(stalledMs: number, nowMs: number): void {
    this.heardMs = Math.min(this.heardMs + stalledMs, nowMs);
    this.answeredMs = Math.min(this.answeredMs + stalledMs, nowMs);
    if (this.unansweredMs !== null) this.unansweredMs = Math.min(this.unansweredMs + stalledMs, nowMs);
    const first = this.leases[0];
    if (first !== undefined) this.reschedule(Math.min(first.startMs + stalledMs, nowMs));
  }

  /** How long a lease should take from its start, as far as we know. */
  private leaseMs({ work, slots, isFirst }: Lease): number {
    return this.isMeasured(work) ? this.estimateMs(work, slots, isFirst) : 0;
  }

  private isLaterThan(expectedMs: number, lease: Lease, nowMs: number): boolean {
    const { stragglerFactor, stragglerFactorMute, stragglerMsMin, stragglerMsUnmeasured, muteMs } = patience;
    const factor = this.isQuiet(nowMs) ? 1 : this.leavesPings(nowMs, muteMs) ? stragglerFactorMute : stragglerFactor;
    let lateMs = this.isMeasured(lease.work) ? Math.max(factor * expectedMs, stragglerMsMin) : stragglerMsUnmeasured;
    // As nothing came from it lately, its estimate has grown again and again. Nobody waits for that long.
    if (this.overtakenInARow > 0) lateMs = Math.min(lateMs, stragglerMsUnmeasured);
    return nowMs - lease.startMs >= lateMs;
  }

  /** The first lease is done. The member says that it computed for `tookMs`. */
  private measure({ work, slots, among, startMs, leasedMs }: Lease, nowMs: number, tookMs: number | undefined): void {
    const ms = nowMs - startMs;
    const cost = this.costs[work];
    if (tookMs === undefined || !this.remote) {
      this.burst.isMeasured = false;
      cost.took(tookMs ?? ms, slots);
      return;
    }
    // Results may wait for each other on their way, so the member may have begun earlier than we thought.
    const computedMs = Math.min(tookMs, nowMs - leasedMs);
    cost.computedFor(computedMs, slots);
    this.burst.slots += slots;
    this.burst.leadMs += ms - computedMs;
    if (this.leases.length > 1 || !this.burst.isMeasured) return;
    cost.ledFor(Math.max(0, this.burst.leadMs), this.burst.slots, among);
  }

  private becomeSlower(lease: Lease, nowMs: number): void {
    this.costs[lease.work].late(nowMs - lease.startMs, lease.slots);
  }

  /** After the first lease, the next one begins now: its time in the queue does not count. */
  private removeLease(lease: Lease, endMs: number): void {
    const at = this.leases.indexOf(lease);
    if (at >= 0) this.leases.splice(at, 1);
    if (at === 0) this.reschedule(endMs);
    if (this.leases.length === 0) Object.assign(this.burst, noBurst);
  }

  private reschedule(startMs: number): void {
    for (const lease of this.leases) {
      lease.startMs = startMs;
      if (!this.mayBeMute) startMs += this.leaseMs(lease);
    }
  }
}
