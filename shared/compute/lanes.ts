/** The members of a machine's own pool: its threads, and the machine's own thread where steps are short. */

import type { Pointer } from '../arithmetic/kernels.js';
import { assert } from '../assert.js';
import { limits } from '../limits.js';
import type { PartialBuffers } from '../pool/partials.js';
import type { LeaseOrder, Transport } from '../pool/pool-driver.js';
import type { Mailbox } from './mailbox.js';
import type { UpdateOrder } from './orders.js';

/** A part of an update takes well below a millisecond; a thread that needs this long will never be done. */
const settleMsMax = 30_000;

/** A shard that is done, or will be: whose lease it is, and where its sum goes. */
export interface Placed {
  readonly order: LeaseOrder;
  readonly out: Pointer;
}

export interface Finished {
  readonly placed: Placed;
  /** How long it was worked on. */
  readonly tookMs: number;
}

/** Local members are neither asked for signs of life nor dropped, and what they compute cannot be called off. */
export abstract class Lane implements Transport {
  member = 0;
  /** Not finished yet, in the order in which they will be. */
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

  /** Whether `finished` has something to give, or will have. */
  get isExpected(): boolean {
    return !this.isIdle;
  }

  revoke(): void {}
  overtaken(): void {}
  ping(): void {}
  drop(): void {}

  /** Whether `finished` has something to give. */
  abstract get hasFinished(): boolean;
  /** The next shard that is done, if one is. */
  abstract finished(): Finished | undefined;
  protected abstract begin(placed: Placed): void;
}

/** The machine's own thread: computes a shard when it is asked for what is finished. */
export class InlineLane extends Lane {
  constructor(
    buffers: PartialBuffers,
    /** Returns how long it took. */
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

  protected begin(): void {
    this.wake();
  }
}

/** A compute thread, reached through its mailbox. */
export class ThreadLane extends Lane {
  /** Answers that were taken note of, and orders that were posted: equal when it is idle. */
  private seen = 0;
  /** Those of `placed` that the machine's own thread has computed: the answers to them say nothing. */
  private readonly takenBack = new Set<Placed>();

  constructor(
    buffers: PartialBuffers,
    readonly mailbox: Mailbox,
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
      if (!this.takenBack.delete(placed)) return { placed, tookMs };
    }
    return undefined;
  }

  override get isExpected(): boolean {
    return this.placed.length > this.takenBack.size;
  }

  /** The newest shard that the thread has not begun with, if there is one: it never will. */
  takeBack(): Placed | undefined {
    if (this.takenBack.size === limits.leasesPerMemberMax) return undefined;
    const newest = this.placed.findLastIndex((placed) => !this.takenBack.has(placed));
    if (newest < 0 || !this.mailbox.takeBack((this.seen + newest) | 0)) return undefined;
    const placed = this.placed[newest];
    this.takenBack.add(placed);
    return placed;
  }

  /** Has an idle thread update a run of parameters; `settle` must follow. */
  beginUpdate(order: UpdateOrder): void {
    this.mailbox.post(order);
    this.seen = (this.seen + 1) | 0;
  }

  /** Waits until the update is done. */
  settle(spins: number): void {
    assert(this.mailbox.settle(this.seen, spins, settleMsMax), 'a thread did not finish its part of an update');
  }

  protected begin({ order, out }: Placed): void {
    this.mailbox.post({ kind: 'shard', task: order.task, shard: order.shard, out });
    this.wake();
  }
}
