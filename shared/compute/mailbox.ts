/**
 * The orders of one thread, in the memory that it shares with its machine: a queue with one sender and one receiver,
 * answered in the same sequence. No event loop is involved. A thread without work sleeps on the queue itself, and a side
 * that is awake sees the other side's progress at once. A round trip by messages would cost 50 to 150 microseconds,
 * mostly to wake a core up, and a small step takes less than that.
 */
import type { Pointer } from '../arithmetic/kernels.js';
import { limits } from '../limits.js';
import { workNames } from '../work/kinds.js';
import type { Order, ShardOrder, UpdateOrder } from './orders.js';

/** An entry begins with the place of a kind of work in `workNames`, or with this number for an update. */
const UPDATE = -1;

/** Places of the counters, in int32. The machine and the thread write to different cache lines. */
const POSTED = 0;
const WANTS_MESSAGE = 1;
const LOOKS = 2;
const ANSWERED = 16;
const RING = 32;
/** A cache line. */
const ENTRY = 16;
/** Places within an entry. RATE, FACTOR and TOOK are float32. */
const RATE = 6;
const FACTOR = 7;
const TOOK = 14;
const STATE = 15;
/** The state of an order that was posted. The side that changes FREE owns the order. */
const FREE = 0;
const BEGUN = 1;
const RECLAIMED = 2;

/** Orders that wait for an answer: as many as a member may have leases, and as many that were reclaimed. */
const ORDERS = 2 * limits.leasesPerMemberMax;

/** Length of one mailbox, in int32. */
export const mailboxInts = RING + ENTRY * ORDERS;

export class Mailbox {
  private readonly ints: Int32Array;
  /** The same memory, for the numbers that are float32. */
  private readonly floats: Float32Array;

  constructor(memory: { readonly buffer: ArrayBufferLike }, at: Pointer) {
    this.ints = new Int32Array(memory.buffer, at, mailboxInts);
    this.floats = new Float32Array(memory.buffer, at, mailboxInts);
  }

  // ---- the machine's side ----

  /**
   * At most `leasesPerMemberMax` orders are unanswered at a time, and at most as many again were reclaimed. After this
   * order, the thread looks `looks` times for the next one before it sleeps.
   */
  post(order: Order, looks: number): void {
    const { ints } = this;
    ints[LOOKS] = looks;
    const posted = ints[POSTED];
    if (order.kind === 'shard') this.writeShard(entryAt(posted), order);
    else this.writeUpdate(entryAt(posted), order);
    Atomics.store(ints, entryAt(posted) + STATE, FREE);
    Atomics.store(ints, POSTED, (posted + 1) | 0);
    Atomics.notify(ints, POSTED);
  }

  /** How many orders were answered so far. It wraps around at 2^32. */
  get answered(): number {
    return Atomics.load(this.ints, ANSWERED);
  }

  /** How long the thread worked on the order after `answered` others. Ask before the entry is used again. */
  tookMs(answered: number): number {
    return this.floats[entryAt(answered) + TOOK];
  }

  /** Reclaims the order after `posted` others, unless the thread has begun it. The thread answers it all the same. */
  reclaim(posted: number): boolean {
    return Atomics.compareExchange(this.ints, entryAt(posted) + STATE, FREE, RECLAIMED) === FREE;
  }

  /** Says whether a message shall follow each answer. After asking for one, look at `answered` once more. */
  wantMessage(wanted: boolean): void {
    Atomics.store(this.ints, WANTS_MESSAGE, wanted ? 1 : 0);
  }

  /** Waits until `posted` orders are answered; false if there is no progress for `timeoutMs`. */
  awaitAnswers(posted: number, spins: number, timeoutMs: number): boolean {
    const { ints } = this;
    for (let i = 0; i < spins; i++) if (Atomics.load(ints, ANSWERED) === posted) return true;
    for (;;) {
      const answered = Atomics.load(ints, ANSWERED);
      if (answered === posted) return true;
      if (Atomics.wait(ints, ANSWERED, answered, timeoutMs) === 'timed-out') return false;
    }
  }

  private writeShard(at: number, { task, shard, out }: ShardOrder): void {
    const { ints } = this;
    ints[at] = workNames.indexOf(task.work);
    ints[at + 1] = task.epoch;
    ints[at + 2] = task.stepInEpoch;
    ints[at + 3] = shard.lo;
    ints[at + 4] = shard.size;
    ints[at + 5] = out;
  }

  private writeUpdate(at: number, order: UpdateOrder): void {
    const { ints, floats } = this;
    ints[at] = UPDATE;
    ints[at + 1] = order.first;
    ints[at + 2] = order.floats;
    ints[at + 3] = order.sum;
    ints[at + 4] = order.terms;
    ints[at + 5] = order.step;
    floats[at + RATE] = order.rate;
    floats[at + FACTOR] = order.factor;
  }

  // ---- the thread's side ----

  /** The order after `received` others, null if it was reclaimed. Looks for it for a while, then sleeps until it is there. */
  receive(received: number): Order | null {
    const { ints } = this;
    while (!this.isPosted(received)) Atomics.wait(ints, POSTED, received);
    const at = entryAt(received);
    if (Atomics.compareExchange(ints, at + STATE, FREE, BEGUN) !== FREE) return null;
    return ints[at] === UPDATE ? this.readUpdate(at) : this.readShard(at);
  }

  private isPosted(received: number): boolean {
    const looks = this.ints[LOOKS];
    for (let i = 0; i < looks; i++) if (Atomics.load(this.ints, POSTED) !== received) return true;
    return Atomics.load(this.ints, POSTED) !== received;
  }

  private readShard(at: number): ShardOrder {
    const { ints } = this;
    const work = workNames[ints[at]];
    return {
      kind: 'shard',
      task: { work, epoch: ints[at + 1], stepInEpoch: ints[at + 2] },
      shard: { lo: ints[at + 3], size: ints[at + 4] },
      out: ints[at + 5] >>> 0,
    };
  }

  private readUpdate(at: number): UpdateOrder {
    const { ints, floats } = this;
    return {
      kind: 'update',
      first: ints[at + 1],
      floats: ints[at + 2],
      sum: ints[at + 3] >>> 0,
      terms: ints[at + 4],
      step: ints[at + 5] >>> 0,
      rate: floats[at + RATE],
      factor: floats[at + FACTOR],
    };
  }

  /** The order after `received` others is done. True if the machine wants a message about it. */
  answer(received: number, tookMs: number): boolean {
    this.floats[entryAt(received) + TOOK] = tookMs;
    Atomics.add(this.ints, ANSWERED, 1);
    Atomics.notify(this.ints, ANSWERED);
    return Atomics.load(this.ints, WANTS_MESSAGE) === 1;
  }
}

function entryAt(count: number): number {
  return RING + ENTRY * ((count >>> 0) % ORDERS);
}
