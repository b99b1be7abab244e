/** Tests what the table of kinds of work promises, for every kind. */
import { describe, expect, it } from 'vitest';
import { computations } from '../../../shared/compute/computations.js';
import { forEachKind, kinds, sumFloats, tensorFloats, workNames } from '../../../shared/work/kinds.js';
import { orderOf, ordersOf, predictedMax, shardSamples } from '../../../shared/work/orders.js';

describe('kinds of work', () => {
  it('have a computation each', () => {
    expect(Object.keys(computations).sort()).toEqual([...workNames].sort());
  });

  it('sum what they say, and end with a score', () => {
    expect(tensorFloats('gradient', 100)).toBe(100);
    expect(sumFloats('gradient', 100)).toBe(102);
    expect(tensorFloats('evaluation', 100)).toBe(0);
    expect(sumFloats('evaluation', 100)).toBe(2);
  });

  it('train only at a place in the order of training', () => {
    for (const work of workNames)
      if (kinds[work].trains) expect(kinds[work]).toMatchObject({ hasPlace: true, set: 'train' });
  });

  it('get a value of their own from forEachKind', () => {
    const lists = forEachKind((): number[] => []);
    lists.gradient.push(1);
    expect(lists).toEqual({ gradient: [1], evaluation: [], validation: [] });
  });
});

describe('the orders of a run', () => {
  const orders = ordersOf({ train: 50, test: 130, batch: 32, microBatch: 16, seed: 1 });

  it('cut the training set by the micro-batch, and count the samples of a shard', () => {
    const order = orderOf(orders, { work: 'gradient' });
    expect([order.rows, order.slots, order.stepsPerEpoch]).toEqual([16, 2, 2]);
    expect(shardSamples({ lo: 0, size: 2 }, order, 0)).toBe(32);
    expect(shardSamples({ lo: 1, size: 1 }, order, 1)).toBe(2);
    expect(shardSamples({ lo: 0, size: 2 }, order, 1)).toBe(18);
  });

  it('cut the test set into slots of 64 samples in their natural order', () => {
    const order = orderOf(orders, { work: 'evaluation' });
    expect([order.rows, order.slots, order.stepsPerEpoch]).toEqual([64, 3, 1]);
    expect(order.samplesIn(0)).toBe(130);
    expect([...order.slotIds(0, 0, 2)]).toEqual([128, 129]);
    expect([...order.slotIds(0, 0, 1)]).toEqual(Array.from({ length: 64 }, (_, i) => 64 + i));
    expect([...order.partition(2)]).toEqual([128, 129]);
    expect(shardSamples({ lo: 0, size: 4 }, order, 0)).toBe(130);
    expect(shardSamples({ lo: 2, size: 1 }, order, 0)).toBe(2);
  });

  it('have none of a validation set that the run has not, and cut one like a test set', () => {
    expect(orderOf(orders, { work: 'validation' })).toMatchObject({ slots: 0, rows: 64 });
    const validated = ordersOf({ train: 50, validation: 70, test: 130, batch: 32, microBatch: 16, seed: 1 });
    const order = orderOf(validated, { work: 'validation' });
    expect([order.rows, order.slots, order.samplesIn(0)]).toEqual([64, 2, 70]);
    expect([...order.slotIds(0, 0, 1)]).toEqual([64, 65, 66, 67, 68, 69]);
  });

  it('know how many classes one task may predict: those of the larger set', () => {
    expect(predictedMax(orders)).toBe(130);
    expect(predictedMax(ordersOf({ train: 50, validation: 140, test: 130, batch: 0, microBatch: 8, seed: 1 }))).toBe(
      140,
    );
    expect(predictedMax(ordersOf({ train: 50, test: 0, batch: 0, microBatch: 8, seed: 1 }))).toBe(0);
  });
});
