/** The members of a machine's own pool: its compute threads, and its own thread where steps are short. */

import type { Pointer } from '../arithmetic/kernels.js';
import { assert } from '../assert.js';
import { limits } from '../limits.js';
import type { PartialBuffers } from '../pool/partials.js';
import type { LeaseOrder, Transport } from '../pool/pool-driver.js';
import type { CarriedAnswer } from './carrier.js';
import type { Mailbox } from './mailbox.js';
import type { UpdateOrder } from './orders.js';

/** A part of an update takes well below a millisecond. A thread that needs this long will never be done. */
const updateMsMax = 30_000;

/** A shard that a lane was given: its lease, and where its sum goes. */
export interface Placed {
  readonly order: LeaseOrder;
  readonly out: Pointer;
}

export interface Finished {
  readonly placed: Placed;
  /** How long the computation took, in milliseconds. */
  readonly tookMs: number;
}

/** A local member. It is not asked for signs of life, is not dropped, and what it has begun cannot be called off. */
export abstract class Lane implements Transport {
  member = 0;
  /** Shards that are not finished, in the order in which they will be. */
  protected readonly placed: Placed[] = [];

  constructor(protected readonly buffers: PartialBuffers) {}

  joined(member: number): void {
    this.member = member;
  }

  lease(order: LeaseOrder): void {
    const placed = { order, out: this.buffers.acquire() };
    this.placed.push(placed);
    this.begin(placed);
  }

  get isIdle(): boolean {
    return this.placed.length === 0;
  }

  /** Whether `finished` will return something, now or later. */
  get isExpected(): boolean {
    return !this.isIdle;
  }

  /** Drops the shard if the lane can still take it back. Otherwise it is computed, and the pool discards its sum. */
  revoke(_lease: number): void {}
  overtaken(): void {}
  ping(): void {}
  drop(): void {}

  /** Whether `finished` would return something now. */
  abstract get hasFinished(): boolean;
  /** Returns the next shard that is done, each once; undefined if none is. */
  abstract finished(): Finished | undefined;

  // ---- what only some lanes can do ----

  /** Takes back the newest shard that the lane's thread has not begun, if it is wanted. The thread will not compute it. */
  reclaim(_: (order: LeaseOrder) => boolean): Placed | undefined {
    return undefined;
  }

  /** Whether its thread is idle and computes in the machine's memory, so that it can update parameters. */
  get canHelp(): boolean {
    return false;
  }

  /** Has a thread that can help update a run of parameters. `finishUpdate` must follow. */
  beginUpdate(_: UpdateOrder): void {
    assert(false, 'this lane cannot help with an update');
  }

  /** Waits until the update is done. */
  finishUpdate(): void {}

  /** A thread with a memory of its own has answered. */
  arrived(_: CarriedAnswer): void {
    assert(false, 'this lane has nothing carried to it');
  }

  /** The machine goes back to its event loop: a thread that it expects something from should send a message. */
  wantMessage(): void {}

  protected abstract begin(placed: Placed): void;
}

/** The lane of the machine's own thread. It computes a shard when `finished` is called. */
export class InlineLane extends Lane {
  constructor(
    buffers: PartialBuffers,
    /** Returns how long it took, in milliseconds. */
    private readonly compute: (placed: Placed) => number,
    private readonly wake: () => void,
  ) {
    super(buffers);
  }

  get hasFinished(): boolean {
    return !this.isIdle;
  }

  finished(): Finished | undefined {
    const placed = this.placed.shift();
    return placed && { placed, tookMs: this.compute(placed) };
  }

  override revoke(lease: number): void {
    const at = this.placed.findIndex(({ order }) => order.lease === lease);
    if (at < 0) return;
    this.buffers.release(this.placed[at].out);
    this.placed.splice(at, 1);
  }

  protected begin(): void {
    this.wake();
  }
}

/** The lane to a thread that works in the machine's memory, by way of its mailbox. */
export class ThreadLane extends Lane {
  /** Answers that this lane has seen. It is idle when it has seen as many as it has posted orders. */
  private seen = 0;
  /**
   * Shards in `placed` that were taken back: the machine's own thread has computed them, or they were revoked. The thread's
   * answers to them mean nothing.
   */
  private readonly reclaimed = new Set<Placed>();

  constructor(
    buffers: PartialBuffers,
    private readonly mailbox: Mailbox,
    /** How often the machine looks for an answer, and a thread for its next work, before they sleep. */
    private readonly patience: { readonly spins: number; readonly looks: () => number },
    private readonly wake: () => void,
  ) {
    super(buffers);
  }

  get hasFinished(): boolean {
    return this.mailbox.answered !== this.seen;
  }

  finished(): Finished | undefined {
    while (this.hasFinished) {
      const placed = this.placed.shift();
      assert(placed !== undefined, 'a thread answered more than it was asked');
      const tookMs = this.mailbox.tookMs(this.seen);
      this.seen = (this.seen + 1) | 0;
      if (!this.reclaimed.delete(placed)) return { placed, tookMs };
    }
    return undefined;
  }

  override get isExpected(): boolean {
    return this.placed.length > this.reclaimed.size;
  }

  override reclaim(isWanted: (order: LeaseOrder) => boolean): Placed | undefined {
    const newest = this.placed.findLastIndex((placed) => !this.reclaimed.has(placed));
    return newest >= 0 && isWanted(this.placed[newest].order) ? this.reclaimAt(newest) : undefined;
  }

  override revoke(lease: number): void {
    const placed = this.reclaimAt(this.placed.findIndex(({ order }) => order.lease === lease));
    if (placed !== undefined) this.buffers.release(placed.out);
  }

  override get canHelp(): boolean {
    return this.isIdle;
  }

  override beginUpdate(order: UpdateOrder): void {
    this.mailbox.post(order, this.patience.looks());
    this.seen = (this.seen + 1) | 0;
  }

  override finishUpdate(): void {
    const isDone = this.mailbox.awaitAnswers(this.seen, this.patience.spins, updateMsMax);
    assert(isDone, 'a thread did not finish its part of an update');
  }

  override wantMessage(): void {
    this.mailbox.wantMessage(this.isExpected);
  }

  /** Takes back the shard at a place of `placed`, unless the thread has begun it. */
  private reclaimAt(at: number): Placed | undefined {
    if (at < 0 || this.reclaimed.size === limits.leasesPerMemberMax) return undefined;
    if (!this.mailbox.reclaim((this.seen + at) | 0)) return undefined;
    const placed = this.placed[at];
    this.reclaimed.add(placed);
    return placed;
  }

  protected begin({ order, out }: Placed): void {
    const { task, shard } = order;
    this.mailbox.post({ kind: 'shard', task, shard, out }, this.patience.looks());
    this.wake();
  }
}

/** A member with two lanes: the machine's own thread stands in for one of its threads while it is free. */
export class StandIn implements Transport {
  /** Whether the machine's own thread was given the newest shard. */
  isActive = false;

  constructor(
    private readonly own: Lane,
    private readonly thread: Lane,
    /** Whether the machine's own thread is free for a shard. */
    private readonly isFree: (order: LeaseOrder) => boolean,
  ) {}

  joined(member: number): void {
    this.own.joined(member);
    this.thread.joined(member);
  }

  lease(order: LeaseOrder): void {
    this.isActive = this.isFree(order);
    (this.isActive ? this.own : this.thread).lease(order);
  }

  revoke(lease: number): void {
    this.own.revoke(lease);
    this.thread.revoke(lease);
  }

  overtaken(): void {}
  ping(): void {}
  drop(): void {}
}
