import fc from 'fast-check';
import { expect, it } from 'vitest';
import { HeldSamples } from '../../../shared/compute/held-samples.js';
import { evaluationRows } from '../../../shared/data/test-order.js';
import { isShard } from '../../../shared/pool/tree.js';
import { ordersOf } from '../../../shared/work/orders.js';

/** A step of an epoch, and a range of its slots. */
const asked = fc.record({
  epoch: fc.nat(4),
  stepInEpoch: fc.nat(4),
  lo: fc.nat(7),
  size: fc.constantFrom(1, 2, 4, 8),
});

it('asks for every sample once, whatever shards come in whatever order', () => {
  const run = { train: 150, test: 0, batch: 32, microBatch: 4, seed: 7 };
  const orders = ordersOf(run);
  const order = orders.train;
  fc.assert(
    fc.property(fc.array(asked, { maxLength: 60 }), (shards) => {
      const held = new HeldSamples(orders, run);
      const had = new Set<number>();
      for (const { epoch, stepInEpoch, lo, size } of shards) {
        const slots = order.slotsIn(stepInEpoch);
        if (!isShard({ lo, size }, slots)) continue;
        const missing = held.claimMissing({ work: 'gradient', epoch, stepInEpoch }, { lo, size });
        const wanted: number[] = [];
        for (let slot = lo; slot < Math.min(lo + size, slots); slot++) {
          wanted.push(...order.slotIds(epoch, stepInEpoch, slot));
        }
        expect(missing).toEqual(wanted.filter((id) => !had.has(id)));
        for (const id of missing) had.add(id);
      }
    }),
  );
});

it('keeps the test set apart from the training set', () => {
  const test = evaluationRows + 5;
  const run = { train: 8, test, batch: 8, microBatch: 8, seed: 1 };
  const held = new HeldSamples(ordersOf(run), run);
  expect(held.claimMissing({ work: 'gradient', epoch: 0, stepInEpoch: 0 }, { lo: 0, size: 1 })).toHaveLength(8);
  const evaluation = { work: 'evaluation', epoch: 0, stepInEpoch: 0 } as const;
  expect(held.claimMissing(evaluation, { lo: 1, size: 1 })).toEqual([64, 65, 66, 67, 68]);
  expect(held.claimMissing(evaluation, { lo: 0, size: 2 })).toEqual(Array.from({ length: 64 }, (_, id) => id));
});
