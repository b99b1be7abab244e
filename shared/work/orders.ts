/** Which samples are in a task's slots: each set of samples has one order. */
import { type SampleSet, type SetSizes, sizeOf } from '../data/dataset.js';
import { type OrderConfig, SampleOrder, type SlotOrder } from '../data/order.js';
import { TestOrder } from '../data/test-order.js';
import type { Shard } from '../pool/tree.js';
import { kinds, workNames } from './kinds.js';
import type { Task } from './task.js';

export interface Orders extends Readonly<Record<SampleSet, SlotOrder>> {
  readonly train: SampleOrder;
}

export function ordersOf(run: Omit<OrderConfig, 'samples'> & SetSizes): Orders {
  return {
    train: new SampleOrder({ ...run, samples: run.train }),
    validation: new TestOrder(sizeOf(run, 'validation')),
    test: new TestOrder(run.test),
  };
}

/** The largest number of samples whose classes one task predicts. */
export function predictedMax(orders: Orders): number {
  const predicting = workNames.filter((work) => kinds[work].predicts);
  return Math.max(0, ...predicting.map((work) => orderOf(orders, { work }).samplesIn(0)));
}

/** The order that a task's slots follow. */
export function orderOf(orders: Orders, { work }: Pick<Task, 'work'>): SlotOrder {
  return orders[kinds[work].set];
}

/** Samples in a shard of a step. */
export function shardSamples({ lo, size }: Shard, order: SlotOrder, stepInEpoch: number): number {
  return Math.min((lo + size) * order.rows, order.samplesIn(stepInEpoch)) - lo * order.rows;
}
