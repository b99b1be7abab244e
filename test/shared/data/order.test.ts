import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { invalidOrder, type OrderConfig, SampleOrder } from '../../../shared/data/order.js';

/** Any configuration. The batch may be 0, or smaller or larger than the data set. */
const configs: fc.Arbitrary<OrderConfig> = fc
  .record({
    samples: fc.integer({ min: 1, max: 400 }),
    slots: fc.integer({ min: 0, max: 12 }),
    microBatch: fc.integer({ min: 1, max: 40 }),
    seed: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  })
  .map(({ slots, ...rest }) => ({ ...rest, batch: slots * rest.microBatch }));

function stepOf(order: SampleOrder, epoch: number, step: number): number[][] {
  return Array.from({ length: order.slotsIn(step) }, (_, slot) => [...order.slotIds(epoch, step, slot)]);
}

function epochOf(order: SampleOrder, epoch: number): number[][][] {
  return Array.from({ length: order.stepsPerEpoch }, (_, step) => stepOf(order, epoch, step));
}

const ascending = (ids: Iterable<number>) => [...ids].sort((a, b) => a - b);
const upTo = (count: number) => Array.from({ length: count }, (_, i) => i);

describe('SampleOrder', () => {
  it('uses every sample exactly once per epoch', () => {
    fc.assert(
      fc.property(configs, fc.integer({ min: 0, max: 5 }), (config, epoch) => {
        expect(invalidOrder(config)).toBeNull();
        const ids = epochOf(new SampleOrder(config), epoch).flat(2);
        expect(ascending(ids)).toEqual(upTo(config.samples));
      }),
    );
  });

  it('gives a slot of a round the samples of as many micro-batches, as if they were one', () => {
    fc.assert(
      fc.property(configs, fc.integer({ min: 2, max: 5 }), (config, steps) => {
        const batch = config.batch * steps;
        const order = new SampleOrder({ ...config, batch, rounds: { steps } });
        const large = new SampleOrder({ ...config, batch, microBatch: config.microBatch * steps });
        expect(epochOf(order, 1)).toEqual(epochOf(large, 1));
        expect([order.rows, order.passRows]).toEqual([config.microBatch * steps, config.microBatch]);
        for (let step = 0; step < order.stepsPerEpoch; step++) {
          expect(order.termsIn(step)).toBe(order.slotsIn(step));
          expect(large.termsIn(step)).toBe(large.samplesIn(step));
        }
      }),
    );
  });

  it('fills every slot of every step but the last one', () => {
    fc.assert(
      fc.property(configs, (config) => {
        const order = new SampleOrder(config);
        for (const [step, slots] of epochOf(order, 0).entries()) {
          expect(slots.map((ids) => ids.length)).toEqual(slots.map((_, slot) => order.rowsIn(step, slot)));
          expect(slots.flat().length).toBe(order.samplesIn(step));
          const last = step === order.stepsPerEpoch - 1;
          if (!last) expect(slots.length).toBe(order.slots);
          for (const [slot, ids] of slots.entries()) {
            if (last && slot === slots.length - 1) expect(ids.length).toBeGreaterThan(0);
            else expect(ids.length).toBe(config.microBatch);
          }
        }
      }),
    );
  });

  it('keeps the samples of a slot across epochs, in another order', () => {
    fc.assert(
      fc.property(configs, fc.integer({ min: 1, max: 9 }), (config, epoch) => {
        const order = new SampleOrder(config);
        for (const each of [0, epoch]) {
          const steps = epochOf(order, each);
          for (let slot = 0; slot < order.slots; slot++) {
            const used = steps.flatMap((slots) => slots[slot] ?? []);
            expect(ascending(used)).toEqual(ascending(order.partition(slot)));
          }
        }
      }),
    );
    const order = new SampleOrder({ samples: 1000, batch: 100, microBatch: 25, seed: 1 });
    expect(epochOf(order, 0)).not.toEqual(epochOf(order, 1));
  });

  it('reaches any epoch directly, in any order of asking', () => {
    const config = { samples: 103, batch: 16, microBatch: 4, seed: 9 };
    const inTurn = new SampleOrder(config);
    const epochs = upTo(6).map((epoch) => epochOf(inTurn, epoch));
    for (const epoch of [5, 0, 3, 3, 1, 4, 2]) expect(epochOf(new SampleOrder(config), epoch)).toEqual(epochs[epoch]);
    for (const epoch of [5, 0, 3, 3, 1, 4, 2]) expect(epochOf(inTurn, epoch)).toEqual(epochs[epoch]);
    const prepared = new SampleOrder(config);
    prepared.prepare(3);
    for (const epoch of [3, 4, 3]) expect(epochOf(prepared, epoch)).toEqual(epochs[epoch]);
  });

  it('keeps a view whole while the next epoch is prepared', () => {
    const order = new SampleOrder({ samples: 60, batch: 20, microBatch: 10, seed: 2 });
    const view = order.slotIds(4, 1, 1);
    const before = [...view];
    epochOf(order, 5);
    expect([...view]).toEqual(before);
  });

  it('depends on the seed', () => {
    const config = { samples: 500, batch: 50, microBatch: 10 };
    const [a, b] = [1, 2].map((seed) => new SampleOrder({ ...config, seed }));
    expect(stepOf(a, 0, 0)).not.toEqual(stepOf(b, 0, 0));
    expect(ascending(a.partition(0))).not.toEqual(ascending(b.partition(0)));
  });

  it('is pinned: this order decides the weights of every run', () => {
    const order = new SampleOrder({ samples: 22, batch: 8, microBatch: 4, seed: 1 });
    expect(JSON.stringify(epochOf(order, 0))).toBe(
      '[[[14,6,0,16],[17,19,10,7]],[[2,8,21,9],[18,5,1,3]],[[12,15,4,20],[11,13]]]',
    );
    expect(JSON.stringify(epochOf(order, 1))).toBe(
      '[[[4,16,8,20],[11,3,19,7]],[[15,0,2,9],[17,18,1,13]],[[21,14,6,12],[5,10]]]',
    );
  });

  it('takes all samples in one step for a batch of 0, and for one that is larger than the data set', () => {
    const all = new SampleOrder({ samples: 50, batch: 0, microBatch: 16, seed: 1 });
    const large = new SampleOrder({ samples: 50, batch: 70, microBatch: 16, seed: 1 });
    for (const order of [all, large]) {
      expect([order.stepsPerEpoch, order.slots, order.slotsIn(0), order.samplesIn(0)]).toEqual([1, 4, 4, 50]);
      expect(upTo(4).map((slot) => order.rowsIn(0, slot))).toEqual([16, 16, 16, 2]);
    }
    expect(epochOf(all, 3)).toEqual(epochOf(large, 3));
  });
});

describe('invalidOrder', () => {
  const valid = { samples: 60_000, batch: 128, microBatch: 16, seed: 1 };
  const cases: [Partial<OrderConfig>, string | null][] = [
    [{}, null],
    [{ batch: 0 }, null],
    [{ batch: 60_001 }, null],
    [
      { batch: 100 },
      'a batch of 100 does not divide into micro-batches of 16: use a batch of 96 or 112, or a micro-batch of 10 or 20',
    ],
    [{ batch: 8 }, 'a batch of 8 does not divide into micro-batches of 16: use a batch of 16, or a micro-batch of 8'],
    [
      { batch: 127 },
      'a batch of 127 does not divide into micro-batches of 16: use a batch of 112 or 128, or a micro-batch of 1 or 127',
    ],
    [{ batch: -1 }, 'the batch is -1, but must be a whole number from 0 to 10000000'],
    [{ batch: 1.5 }, 'the batch is 1.5, but must be a whole number from 0 to 10000000'],
    [{ microBatch: 0 }, 'the micro-batch is 0, but must be a whole number from 1 to 4096'],
    [{ microBatch: Number.NaN }, 'the micro-batch is NaN, but must be a whole number from 1 to 4096'],
    [{ seed: 2 ** 32 }, 'the seed is 4294967296, but must be a whole number from 0 to 4294967295'],
    [{ rounds: { steps: 3 } }, 'a round of 128 samples does not divide into slots of 3 micro-batches of 16'],
    [{ rounds: { steps: 1 } }, 'the number of local steps is 1, but must be a whole number from 2 to 65536'],
    [{ samples: 0 }, 'the number of training samples is 0, but must be a whole number from 1 to 10000000'],
    [
      { samples: 2_000_000, batch: 0, microBatch: 1 },
      'a step of 2000000 samples has 2000000 slots of 1, more than 1000000: use a larger micro-batch',
    ],
  ];
  it.each(cases)('%j', (change, expected) => {
    expect(invalidOrder({ ...valid, ...change })).toBe(expected);
  });

  it('proposes only what works', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5000 }), fc.integer({ min: 1, max: 4096 }), (batch, microBatch) => {
        const sentence = invalidOrder({ ...valid, batch, microBatch });
        if (sentence === null) return;
        const [, batches, microBatches] = /use a batch of (.*), or a micro-batch of (.*)$/.exec(sentence) ?? [];
        for (const other of batches.split(' or ').map(Number)) {
          expect(invalidOrder({ ...valid, batch: other, microBatch })).toBeNull();
        }
        for (const other of microBatches.split(' or ').map(Number)) {
          expect(invalidOrder({ ...valid, batch, microBatch: other })).toBeNull();
        }
      }),
    );
  });
});
