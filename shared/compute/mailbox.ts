/**
 * Work for one thread, in the memory that it shares with its machine: a queue of shards with one sender and one
 * receiver, answered in order. No event loop is involved: the thread sleeps on the queue itself, and a sender or
 * receiver that is awake anyway sees the other side's progress at once. (A round trip by messages costs 50 to 150
 * microseconds, mostly for waking a core up; a small step is computed in less.)
 */
import type { Pointer } from '../kernels/kernels.js';
import { limits } from '../limits.js';
import type { Shard } from '../pool/tree.js';
import type { Task } from './computer.js';

/** A shard, and where its sum belongs. */
export interface Order {
  readonly task: Pick<Task, 'work' | 'epoch' | 'stepInEpoch'>;
  readonly shard: Shard;
  readonly out: Pointer;
}

/** Places of the counters, in int32; what the two sides write lies in different cache lines. */
const POSTED = 0;
const WANTS_MESSAGE = 1;
const ANSWERED = 16;
const RING = 32;
const ENTRY = 8;

/** int32 of one mailbox. */
export const mailboxInts = RING + ENTRY * limits.leasesPerMemberMax;

export class Mailbox {
  private readonly ints: Int32Array;

  constructor(memory: { readonly buffer: ArrayBufferLike }, at: Pointer) {
    this.ints = new Int32Array(memory.buffer, at, mailboxInts);
  }

  // ---- the machine's side ----

  /** There are never more than `leasesPerMemberMax` unanswered ones. */
  post({ task, shard, out }: Order): void {
    const { ints } = this;
    const posted = ints[POSTED];
    const at = entryAt(posted);
    ints[at] = task.work === 'gradient' ? 1 : 0;
    ints[at + 1] = task.epoch;
    ints[at + 2] = task.stepInEpoch;
    ints[at + 3] = shard.lo;
    ints[at + 4] = shard.size;
    ints[at + 5] = out;
    Atomics.store(ints, POSTED, (posted + 1) | 0);
    Atomics.notify(ints, POSTED);
  }

  /** How many were answered so far; wraps around. */
  get answered(): number {
    return Atomics.load(this.ints, ANSWERED);
  }

  /** From now on, or no longer, a message follows each answer: whoever asks for one must look at `answered` again. */
  wantMessage(wanted: boolean): void {
    Atomics.store(this.ints, WANTS_MESSAGE, wanted ? 1 : 0);
  }

  // ---- the thread's side ----

  /** The order after `taken` others. Looks for it `spins` times, then sleeps until it is there. */
  receive(taken: number, spins: number): Order {
    const { ints } = this;
    for (let i = 0; i < spins && Atomics.load(ints, POSTED) === taken; i++);
    while (Atomics.load(ints, POSTED) === taken) Atomics.wait(ints, POSTED, taken);
    const at = entryAt(taken);
    return {
      task: { work: ints[at] === 1 ? 'gradient' : 'evaluation', epoch: ints[at + 1], stepInEpoch: ints[at + 2] },
      shard: { lo: ints[at + 3], size: ints[at + 4] },
      out: ints[at + 5] >>> 0,
    };
  }

  /** The oldest order is done. True when the machine wants a message about it. */
  answer(): boolean {
    Atomics.add(this.ints, ANSWERED, 1);
    return Atomics.load(this.ints, WANTS_MESSAGE) === 1;
  }
}

function entryAt(count: number): number {
  return RING + ENTRY * ((count >>> 0) % limits.leasesPerMemberMax);
}
