/** Tests the guesses about what members will be asked for. */
import { expect, it } from 'vitest';
import { evaluationTask, evenShares, taskAt } from '../../../coordinator/fleet/ahead.js';
import { shardEnd } from '../../../shared/pool/tree.js';
import { ordersOf } from '../../../shared/work/orders.js';

const orders = ordersOf({ train: 40, test: 10, batch: 16, microBatch: 2, seed: 1 });

it('a step has its place in its epoch', () => {
  expect(taskAt(0, 3)).toEqual({ work: 'gradient', step: 0, epoch: 0, stepInEpoch: 0 });
  expect(taskAt(7, 3)).toEqual({ work: 'gradient', step: 7, epoch: 2, stepInEpoch: 1 });
});

it('the shares of all members are all slots, each once, also of the smaller last step', () => {
  for (const task of [taskAt(0, 3), taskAt(2, 3), evaluationTask('test')]) {
    for (const members of [1, 2, 3, 5, 20]) {
      const shares = evenShares(task, orders, members);
      const slots = (task.work === 'gradient' ? orders.train : orders.test).slotsIn(task.stepInEpoch);
      const all = shares.flatMap(({ shards }) =>
        shards.flatMap((shard) => Array.from({ length: shardEnd(shard, slots) - shard.lo }, (_, i) => shard.lo + i)),
      );
      expect(all).toEqual(Array.from({ length: slots }, (_, slot) => slot));
      expect(shares).toHaveLength(members);
    }
  }
});
