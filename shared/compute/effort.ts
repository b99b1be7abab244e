/** How much there is to compute for a task, which decides whether the machine's own thread computes too. */
import type { Shard } from '../pool/tree.js';
import { kinds, type WorkName, workNames } from '../work/kinds.js';
import { type Orders, orderOf, shardSamples } from '../work/orders.js';
import type { Task } from '../work/task.js';

/**
 * The machine's own thread computes too if its share of a step is at most this many multiplications and additions. They
 * take a millisecond or two, during which the event loop stands still.
 */
const INLINE_OPERATIONS_MAX = 400e6;
/** Where the machine's own thread computes too, a task with larger shares is cut into shards of about this many. */
const SHARD_OPERATIONS = 150e6;

export class Effort {
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

  /** Whether the machine's own thread may compute this shard: the event loop does not stand still for long. */
  isInlineShard({ work, stepInEpoch }: Task, shard: Shard): boolean {
    const samples = shardSamples(shard, orderOf(this.orders, { work }), stepInEpoch);
    return this.isInline && this.operations(work, samples) <= INLINE_OPERATIONS_MAX;
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

  /** Multiplications and additions for `samples` samples. */
  private operations(work: WorkName, samples: number): number {
    return 2 * kinds[work].passes * this.parameters * samples;
  }
}
