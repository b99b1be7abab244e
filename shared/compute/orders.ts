/** What a machine asks of one of its threads. */
import type { Pointer } from '../arithmetic/kernels.js';
import type { Shard } from '../pool/tree.js';
import type { Task } from '../work/task.js';

/** A shard, and where its sum belongs. */
export interface ShardOrder {
  readonly kind: 'shard';
  readonly task: Pick<Task, 'work' | 'epoch' | 'stepInEpoch'>;
  readonly shard: Shard;
  readonly out: Pointer;
}

/** A run of parameters to update from a sum: the arguments of the `sgd` kernel. */
export interface UpdateOrder {
  readonly kind: 'update';
  readonly weights: Pointer;
  readonly velocity: Pointer;
  readonly sum: Pointer;
  readonly floats: number;
  readonly samples: number;
  readonly rate: number;
  readonly momentum: number;
}

export type Order = ShardOrder | UpdateOrder;
