import fc from 'fast-check';
import { expect, it } from 'vitest';
import { HeldSamples } from '../../../shared/compute/held-samples.js';
import { evaluationRows, SampleOrder } from '../../../shared/data/order.js';
import { isShard } from '../../../shared/pool/tree.js';

/** A place in some epoch, and a run of slots. */
const asked = fc.record({
  epoch: fc.nat(4),
  stepInEpoch: fc.nat(4),
  lo: fc.nat(7),
  size: fc.constantFrom(1, 2, 4, 8),
});

it('asks for every sample once, whatever shards come in whatever order', () => {
  const order = new SampleOrder({ samples: 150, batch: 32, microBatch: 4, seed: 7 });
  fc.assert(
    fc.property(fc.array(asked, { maxLength: 60 }), (shards) => {
      const held = new HeldSamples(order, 150, 0);
      const had = new Set<number>();
      for (const { epoch, stepInEpoch, lo, size } of shards) {
        const slots = order.slotsIn(stepInEpoch);
        if (!isShard({ lo, size }, slots)) continue;
        const missing = held.takeMissing({ work: 'gradient', epoch, stepInEpoch }, { lo, size });
        const wanted: number[] = [];
        for (let slot = lo; slot < Math.min(lo + size, slots); slot++) {
          wanted.push(...order.microBatch(epoch, stepInEpoch, slot));
        }
        expect(missing).toEqual(wanted.filter((id) => !had.has(id)));
        for (const id of missing) had.add(id);
      }
    }),
  );
});

it('keeps the test set apart from the training set', () => {
  const test = evaluationRows + 5;
  const held = new HeldSamples(new SampleOrder({ samples: 8, batch: 8, microBatch: 8, seed: 1 }), 8, test);
  expect(held.takeMissing({ work: 'gradient', epoch: 0, stepInEpoch: 0 }, { lo: 0, size: 1 })).toHaveLength(8);
  const evaluation = { work: 'evaluation', epoch: 0, stepInEpoch: 0 } as const;
  expect(held.takeMissing(evaluation, { lo: 1, size: 1 })).toEqual([64, 65, 66, 67, 68]);
  expect(held.takeMissing(evaluation, { lo: 0, size: 2 })).toEqual(Array.from({ length: 64 }, (_, id) => id));
});
