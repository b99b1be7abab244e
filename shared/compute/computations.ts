/** How each kind of work is computed: the second half of its entry in the table of kinds (work/kinds.ts). */
import { type ShardComputation, shardEvaluation, shardGradient } from '../model/shard.js';
import type { WorkName } from '../work/kinds.js';

export const computations: Readonly<Record<WorkName, ShardComputation>> = {
  gradient: shardGradient,
  evaluation: shardEvaluation,
  validation: shardEvaluation,
};
