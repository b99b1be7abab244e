/** The orders that a machine gives to its threads. */
import type { Pointer } from '../arithmetic/kernels.js';
import type { UpdatePart } from '../optimizer/optimizer.js';
import type { Shard } from '../pool/tree.js';
import type { Task } from '../work/task.js';

/** Compute this shard, and write its sum to `out`. */
export interface ShardOrder {
  readonly kind: 'shard';
  readonly task: Pick<Task, 'work' | 'epoch' | 'stepInEpoch'>;
  readonly shard: Shard;
  readonly out: Pointer;
}

/** Update a run of parameters. The optimizer, the weights and its vectors are those of the workspace. */
export interface UpdateOrder extends UpdatePart {
  readonly kind: 'update';
}

export type Order = ShardOrder | UpdateOrder;
