/** How much there is to compute for a task, which decides whether the machine's own thread computes too. */
import type { Shard } from '../pool/tree.js';
import { forEachKind, kinds, type WorkName, workNames } from '../work/kinds.js';
import { type Orders, orderOf, shardSamples } from '../work/orders.js';
import type { Task } from '../work/task.js';

/**
 * The machine's own thread computes too if its share of a step is at most this many multiplications and additions. They
 * take a millisecond or two, during which the event loop stands still.
 */
const INLINE_OPERATIONS_MAX = 400e6;
/** Where the machine's own thread computes too, a task with larger shares is cut into shards of about this many. */
const SHARD_OPERATIONS = 150e6;

/** Where others are to be served, the machine's own thread computes only shards that take at most this long. */
const BRIEF_MS = 4;

export class Effort {
  /** The shortest time per sample so far: any longer time may have been spent waiting for a core. */
  private readonly sampleMs = forEachKind(() => Number.POSITIVE_INFINITY);
  /** Whether the machine's own thread is one of its `threads` threads. */
  readonly isInline: boolean;

  constructor(
    private readonly orders: Orders,
    private readonly parameters: number,
    private readonly threads: number,
  ) {
    const trains = workNames.filter((work) => kinds[work].trains);
    this.isInline = threads > 0 && trains.every((work) => this.isShort({ work, stepInEpoch: 0 }));
  }

  /** A thread of this machine has computed a shard. */
  took(ms: number, task: Task, shard: Shard): void {
    const { work } = task;
    this.sampleMs[work] = Math.min(this.sampleMs[work], ms / this.samplesIn(task, shard));
  }

  /** Whether a shard is known to take only a few milliseconds. */
  isBrief(task: Task, shard: Shard): boolean {
    return this.sampleMs[task.work] * this.samplesIn(task, shard) <= BRIEF_MS;
  }

  /** The size in slots that no shard of a task may exceed, so that the event loop does not stand still for long. */
  sizeMax(task: Task): number | undefined {
    if (!this.isInline || this.isShort(task)) return undefined;
    return Math.max(1, SHARD_OPERATIONS / this.operations(task.work, orderOf(this.orders, task).rows));
  }

  /** Whether one thread's share of a task is short enough for the machine's own thread. */
  private isShort({ work, stepInEpoch }: Pick<Task, 'work' | 'stepInEpoch'>): boolean {
    const samples = orderOf(this.orders, { work }).samplesIn(stepInEpoch);
    return this.operations(work, samples) / this.threads <= INLINE_OPERATIONS_MAX;
  }

  private samplesIn(task: Task, shard: Shard): number {
    return shardSamples(shard, orderOf(this.orders, task), task.stepInEpoch);
  }

  /** Multiplications and additions for `samples` samples. */
  private operations(work: WorkName, samples: number): number {
    return 2 * kinds[work].passes * this.parameters * samples;
  }
}
