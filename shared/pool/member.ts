import { forEachKind, type WorkName } from '../work/kinds.js';
import type { Shard } from './tree.js';

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
  /** When the member began with it, or is expected to: it works through its leases in order. */
  startMs: number;
}

/** How a lease's time is bounded, and a member's silence. */
export const patience = {
  /** A lease with no estimate yet, and the least that any lease gets. */
  firstLeaseMs: 30_000,
  leaseMsMin: 2_000,
  /** A lease may take this many times the member's own estimate; or this many, once it let one expire. */
  leaseFactor: 8,
  leaseFactorExpired: 2,
  /** Leases that a member may let expire in a row before it is dropped. */
  expiredMax: 3,
  /** A lease this many times over its estimate is given to an idle member as well. */
  stragglerFactor: 2,
  stragglerMsMin: 50,
  /** The same for a member with no estimate yet, whose first shard comes with samples. */
  stragglerMsUnmeasured: 1_000,
  /**
   * Late shards in a row that others may finish for a member before it is dropped. Each of them at least doubles what
   * it is believed to need, so a member that is only slow is soon given shards that it finishes.
   */
  overtakenMax: 20,
  /** A remote member is asked for a sign of life this often, and is gone after this long without one. */
  pingMs: 1_000,
  silenceMs: 4_000,
  /** Ticks come more often than this. Where one did not, we stood still ourselves: nobody is blamed for that time. */
  ownStallMs: 1_000,
} as const;

/** Weight of the newest measurement in a member's speed. */
const SPEED_GAIN = 0.25;

/** No slot is believed to take less: results that arrive together would make a speed without bound. */
const SLOT_MS_MIN = 1e-4;

/** How far a member is believed faster again, each time that it was too slow to be given anything. */
const PASSED_OVER_FACTOR = 0.99;

/** All that a pool believes of one member. State changes only through the functions below. */
export class Member {
  /** In the order in which they were handed out, which is the order in which the member works. */
  readonly leases: Lease[] = [];
  /** Smoothed milliseconds for one slot; 0 until the first result. */
  readonly msPerSlot = forEachKind(() => 0);
  /** Since its last result: leases that ran out, and late shards that others finished for it. */
  expired = 0;
  overtaken = 0;
  heardMs: number;
  pingedMs: number;

  constructor(
    readonly id: number,
    /** A remote member can fall silent; a local thread cannot. */
    readonly remote: boolean,
    nowMs: number,
  ) {
    this.heardMs = nowMs;
    this.pingedMs = nowMs;
  }

  /** Milliseconds that it is believed to need for so many slots; 0 when nothing is known. */
  estimateMs(work: WorkName, slots: number): number {
    return this.msPerSlot[work] * slots;
  }

  /** How long it may take for so many slots. */
  boundMs(work: WorkName, slots: number): number {
    const { firstLeaseMs, leaseMsMin, leaseFactor, leaseFactorExpired } = patience;
    if (this.msPerSlot[work] === 0) return firstLeaseMs;
    const factor = this.expired === 0 ? leaseFactor : leaseFactorExpired;
    return Math.max(factor * this.estimateMs(work, slots), leaseMsMin);
  }

  /** When it is expected to be done with all that it holds. */
  freeMs(nowMs: number): number {
    const last = this.leases.at(-1);
    return last === undefined ? nowMs : Math.max(nowMs, last.startMs + this.estimateMs(last.work, last.slots));
  }

  /** True when a lease takes so long against the member's own estimate that somebody idle should do it as well. */
  isLate(lease: Lease, nowMs: number): boolean {
    const { stragglerFactor, stragglerMsMin, stragglerMsUnmeasured } = patience;
    const expectedMs = Math.max(stragglerFactor * this.estimateMs(lease.work, lease.slots), stragglerMsMin);
    return nowMs - lease.startMs >= (this.msPerSlot[lease.work] === 0 ? stragglerMsUnmeasured : expectedMs);
  }

  /** The lease whose time has run out: only the one that it works on can, those behind it have not begun. */
  overdue(nowMs: number): Lease | undefined {
    const first = this.leases[0];
    return first !== undefined && nowMs > first.startMs + first.boundMs ? first : undefined;
  }

  becomeLeased(lease: Lease): void {
    this.leases.push(lease);
  }

  /** A result is proof of progress, and a measurement unless it came out of turn: then it is not known when it began. */
  becomeAnswered(lease: Lease, nowMs: number, tookMs: number | undefined): void {
    if (lease === this.leases[0]) {
      const measured = Math.max((tookMs ?? nowMs - lease.startMs) / lease.slots, SLOT_MS_MIN);
      const known = this.msPerSlot[lease.work];
      this.msPerSlot[lease.work] = known === 0 ? measured : known + SPEED_GAIN * (measured - known);
    }
    this.expired = 0;
    this.overtaken = 0;
    this.removeLease(lease, nowMs);
  }

  /** It did not finish in time: believed slower than it was, so that it is given less. */
  becomeExpired(lease: Lease, nowMs: number): void {
    this.becomeSlower(lease, nowMs);
    this.expired += 1;
    this.removeLease(lease, nowMs);
  }

  /** Another member was first to finish the shard. If this one was late with it, that is a measurement as well. */
  becomeOvertaken(lease: Lease, nowMs: number): void {
    if (lease === this.leases[0] && this.isLate(lease, nowMs)) {
      this.becomeSlower(lease, nowMs);
      this.overtaken += 1;
    }
    this.removeLease(lease, nowMs);
  }

  becomeRevoked(lease: Lease, nowMs: number): void {
    this.removeLease(lease, nowMs);
  }

  /** Too slow to be given a part of something: one that is never asked could never show that it is fast again. */
  becomePassedOver(work: WorkName): void {
    this.msPerSlot[work] *= PASSED_OVER_FACTOR;
  }

  becomeHeard(nowMs: number): void {
    this.heardMs = nowMs;
  }

  becomePinged(nowMs: number): void {
    this.pingedMs = nowMs;
  }

  /** We stood still for a while, until now: that time counts against nobody. */
  becomeForgiven(stalledMs: number, nowMs: number): void {
    this.heardMs = Math.min(this.heardMs + stalledMs, nowMs);
    const first = this.leases[0];
    if (first !== undefined) this.reschedule(Math.min(first.startMs + stalledMs, nowMs));
  }

  private becomeSlower(lease: Lease, nowMs: number): void {
    const { work, startMs, slots } = lease;
    this.msPerSlot[work] = Math.max(this.msPerSlot[work], (nowMs - startMs) / slots);
  }

  /** When it was the lease at work, the next one begins now: the time in the queue is not the member's. */
  private removeLease(lease: Lease, nowMs: number): void {
    const at = this.leases.indexOf(lease);
    if (at >= 0) this.leases.splice(at, 1);
    if (at === 0) this.reschedule(nowMs);
  }

  private reschedule(startMs: number): void {
    for (const lease of this.leases) {
      lease.startMs = startMs;
      startMs += this.estimateMs(lease.work, lease.slots);
    }
  }
}
