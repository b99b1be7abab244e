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
  /** When the member began with it, or is expected to begin. A member works through its leases in order. */
  startMs: number;
}

/** How long a lease may take, and how long a member may be silent. */
export const patience = {
  /** The time for a lease without an estimate, and the shortest time for any lease. */
  firstLeaseMs: 30_000,
  leaseMsMin: 2_000,
  /** A lease may take this many times the member's own estimate. The second factor holds after an expired lease. */
  leaseFactor: 8,
  leaseFactorExpired: 2,
  /** Leases that a member may let expire in a row before it is dropped. */
  expiredMax: 3,
  /** A lease that takes this many times its estimate is given to an idle member as well. */
  stragglerFactor: 2,
  stragglerMsMin: 50,
  /** The same for a member with no estimate yet, whose first shard comes with samples. */
  stragglerMsUnmeasured: 1_000,
  /**
   * Late shards in a row that others may finish for a member before it is dropped. Each one at least doubles the
   * member's estimate, so a member that is only slow soon gets shards that it can finish.
   */
  overtakenMax: 20,
  /** A remote member is asked for a sign of life this often, and is gone after this long without one. */
  pingMs: 1_000,
  silenceMs: 4_000,
  /** If a tick comes later than this, we stood still ourselves. That time does not count against any member. */
  ownStallMs: 1_000,
} as const;

/** Weight of the newest measurement in a member's speed. */
const SPEED_GAIN = 0.25;

/** The shortest time for one slot: results that arrive together would otherwise give a speed without bound. */
const SLOT_MS_MIN = 1e-4;

/** Each time a slow member gets no work, its time per slot is multiplied by this, so that it is tried again. */
const PASSED_OVER_FACTOR = 0.99;

/** All that a pool believes about one member. Its state changes only through the events below. */
export class Member {
  /** In the order in which they were handed out. The member works in this order. */
  readonly leases: Lease[] = [];
  /** Smoothed milliseconds for one slot; 0 until the first result. */
  readonly msPerSlot = forEachKind(() => 0);
  /** Since its last result: leases that expired, and late shards that others finished for it. */
  expiredInARow = 0;
  overtakenInARow = 0;
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

  /** Milliseconds that the member needs for this many slots, as far as we know; 0 before the first result. */
  estimateMs(work: WorkName, slots: number): number {
    return this.msPerSlot[work] * slots;
  }

  /** How long the member may take for this many slots. */
  boundMs(work: WorkName, slots: number): number {
    const { firstLeaseMs, leaseMsMin, leaseFactor, leaseFactorExpired } = patience;
    if (this.msPerSlot[work] === 0) return firstLeaseMs;
    const factor = this.expiredInARow === 0 ? leaseFactor : leaseFactorExpired;
    return Math.max(factor * this.estimateMs(work, slots), leaseMsMin);
  }

  /** When the member should be done with all its leases. */
  freeMs(nowMs: number): number {
    const last = this.leases.at(-1);
    return last === undefined ? nowMs : Math.max(nowMs, last.startMs + this.estimateMs(last.work, last.slots));
  }

  /** True when a lease takes so much longer than the estimate that an idle member should compute it as well. */
  isLate(lease: Lease, nowMs: number): boolean {
    const { stragglerFactor, stragglerMsMin, stragglerMsUnmeasured } = patience;
    const expectedMs = Math.max(stragglerFactor * this.estimateMs(lease.work, lease.slots), stragglerMsMin);
    return nowMs - lease.startMs >= (this.msPerSlot[lease.work] === 0 ? stragglerMsUnmeasured : expectedMs);
  }

  /** The lease that has expired, if one has. Only the first can: the member has not begun with the others. */
  overdue(nowMs: number): Lease | undefined {
    const first = this.leases[0];
    return first !== undefined && nowMs > first.startMs + first.boundMs ? first : undefined;
  }

  leased(lease: Lease): void {
    this.leases.push(lease);
  }

  /** A result proves progress. It is a measurement too, unless it came out of turn: then we do not know its start. */
  answered(lease: Lease, nowMs: number, tookMs: number | undefined): void {
    if (lease === this.leases[0]) {
      const measured = Math.max((tookMs ?? nowMs - lease.startMs) / lease.slots, SLOT_MS_MIN);
      const known = this.msPerSlot[lease.work];
      this.msPerSlot[lease.work] = known === 0 ? measured : known + SPEED_GAIN * (measured - known);
    }
    this.expiredInARow = 0;
    this.overtakenInARow = 0;
    this.removeLease(lease, nowMs);
  }

  /** The member did not finish in time: its estimate grows, so that it gets less. */
  expired(lease: Lease, nowMs: number): void {
    this.becomeSlower(lease, nowMs);
    this.expiredInARow += 1;
    this.removeLease(lease, nowMs);
  }

  /** Another member finished the shard first. If this one was late, that is a measurement of it as well. */
  overtaken(lease: Lease, nowMs: number): void {
    if (lease === this.leases[0] && this.isLate(lease, nowMs)) {
      this.becomeSlower(lease, nowMs);
      this.overtakenInARow += 1;
    }
    this.removeLease(lease, nowMs);
  }

  revoked(lease: Lease, nowMs: number): void {
    this.removeLease(lease, nowMs);
  }

  /**
   * Too slow to get a part of a shard. Its estimate shrinks: without work, it could never show that it is fast again.
   */
  passedOver(work: WorkName): void {
    this.msPerSlot[work] *= PASSED_OVER_FACTOR;
  }

  heard(nowMs: number): void {
    this.heardMs = nowMs;
  }

  pinged(nowMs: number): void {
    this.pingedMs = nowMs;
  }

  /** We stood still until now. That time does not count against any member. */
  forgiven(stalledMs: number, nowMs: number): void {
    this.heardMs = Math.min(this.heardMs + stalledMs, nowMs);
    const first = this.leases[0];
    if (first !== undefined) this.reschedule(Math.min(first.startMs + stalledMs, nowMs));
  }

  private becomeSlower(lease: Lease, nowMs: number): void {
    const { work, startMs, slots } = lease;
    this.msPerSlot[work] = Math.max(this.msPerSlot[work], (nowMs - startMs) / slots);
  }

  /** After the first lease, the next one begins now: its time in the queue does not count. */
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
