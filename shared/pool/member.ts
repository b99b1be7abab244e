import type { Shard } from './tree.js';

/** A shard handed to a member until a deadline. */
export interface Lease {
  readonly id: number;
  readonly job: number;
  readonly shard: Shard;
  /** Slots in the shard: what it costs. */
  readonly slots: number;
  readonly member: Member;
  readonly leasedMs: number;
  /** When the member is believed to begin with it: it works through its leases in order. */
  startMs: number;
  deadlineMs: number;
}

/** How a lease's time is bounded, and a member's silence. */
export const patience = {
  /** A lease with no estimate yet, and the least that any lease gets. */
  firstLeaseMs: 30_000,
  leaseMsMin: 2_000,
  /** A lease may take this many times the member's own estimate. */
  leaseFactor: 8,
  /** Leases that a member may let expire in a row before it is dropped. */
  expiredMax: 3,
  /** A lease this many times over its estimate is given to an idle member as well. */
  stragglerFactor: 2,
  stragglerMsMin: 50,
  /** A remote member is asked for a sign of life this often, and is gone after this long without one. */
  pingMs: 1_000,
  silenceMs: 4_000,
  /** Ticks further apart than this mean that we stood still ourselves: nobody is blamed for that time. */
  ownStallMs: 1_000,
} as const;

/** Weight of the newest measurement in a member's speed. */
const SPEED_GAIN = 0.25;

/** All that a pool believes of one member. State changes only through the functions below. */
export class Member {
  /** In the order in which they were handed out, which is the order in which the member works. */
  readonly leases: Lease[] = [];
  /** Smoothed milliseconds for one slot; 0 until the first result. */
  msPerSlot = 0;
  /** Leases that ran out since its last result. */
  expired = 0;
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
  estimateMs(slots: number): number {
    return this.msPerSlot * slots;
  }

  becomeLeased(lease: Lease): void {
    this.leases.push(lease);
  }

  /** The first of its results is also its proof of progress; the measured time starts where the one before ended. */
  becomeAnswered(lease: Lease, nowMs: number): void {
    this.removeLease(lease);
    this.expired = 0;
    const measured = Math.max(nowMs - lease.startMs, 0.001) / lease.slots;
    this.msPerSlot = this.msPerSlot === 0 ? measured : this.msPerSlot + SPEED_GAIN * (measured - this.msPerSlot);
    this.restartNext(nowMs);
  }

  /** It did not finish in time: believed slower than it was, so that it is given less. */
  becomeExpired(lease: Lease, nowMs: number): void {
    this.removeLease(lease);
    this.expired += 1;
    this.msPerSlot = Math.max(this.msPerSlot, (nowMs - lease.startMs) / lease.slots);
    this.restartNext(nowMs);
  }

  becomeRevoked(lease: Lease, nowMs: number): void {
    this.removeLease(lease);
    this.restartNext(nowMs);
  }

  becomeHeard(nowMs: number): void {
    this.heardMs = nowMs;
  }

  becomePinged(nowMs: number): void {
    this.pingedMs = nowMs;
  }

  /** We stood still for a while: that time counts against nobody. */
  becomeForgiven(stalledMs: number): void {
    this.heardMs += stalledMs;
    for (const lease of this.leases) {
      lease.startMs += stalledMs;
      lease.deadlineMs += stalledMs;
    }
  }

  private removeLease(lease: Lease): void {
    const at = this.leases.indexOf(lease);
    if (at >= 0) this.leases.splice(at, 1);
  }

  /** Its next lease begins now: the time that it spent in the queue is not the member's. */
  private restartNext(nowMs: number): void {
    const next = this.leases[0];
    if (next === undefined) return;
    const lateMs = Math.max(nowMs - next.startMs, 0);
    for (const lease of this.leases) {
      lease.startMs = lease === next ? nowMs : Math.max(lease.startMs, nowMs);
      lease.deadlineMs += lateMs;
    }
  }
}
