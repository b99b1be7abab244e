import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Pointer, Write } from '../../../shared/arithmetic/kernels.js';
import { slotsOf } from '../../../shared/data/order.js';
import { evaluationRows } from '../../../shared/data/test-order.js';
import { type Coding, quantise } from '../../../shared/model/coding.js';
import type { Model } from '../../../shared/model/model.js';
import { type ShardWork, shardEvaluation, shardGradient, temporariesFor } from '../../../shared/model/shard.js';
import { halves, rootShard, type Shard } from '../../../shared/pool/tree.js';
import { Bench, bits, evaluating, randomSamples, randomWeights, training } from './fixture.js';

const model: Model = {
  input: [5],
  layers: [
    { dense: 4, activation: 'relu' },
    { dense: 3, activation: 'linear' },
  ],
  loss: 'softmaxCrossEntropy',
};
const stored = randomSamples(model, 300, 1);
const bench = new Bench(model, stored, randomWeights(model, 2), 64);
const { network, from, kernels, partialFloats: floats } = bench;
const parts = { network, local: null };
const ids = bench.put(Uint32Array.from({ length: 300 }, (_, i) => (i * 7) % 300));
const buffers = bench.take(4 * (floats * 12 + 16));
const pairs = bench.take(1024);
const predictions = bench.take(300);

/** A step of any size, and a node of its tree, found by a random walk from the root. */
const works: fc.Arbitrary<ShardWork> = fc
  .record({
    samples: fc.integer({ min: 1, max: 300 }),
    slotRows: fc.integer({ min: 4, max: 20 }),
    turns: fc.array(fc.nat(1), { maxLength: 7 }),
  })
  .map(({ samples, slotRows, turns }) => {
    const slots = slotsOf(samples, slotRows);
    let shard = rootShard(slots);
    for (const turn of turns) if (shard.size > 1) shard = halves(shard, slots)[turn];
    const moment = { seed: 1, epoch: 0 };
    return { shard, samples, slotRows, ids: ids + 4 * shard.lo * slotRows, moment, step: 0, coding: null };
  });

/** The definition, with a buffer for each node. Sums the `count` floats that `leaf` stores for each slot. */
function explicitSum(work: ShardWork, count: number, leaf: (slot: number, into: Pointer) => void): Float32Array {
  const slots = slotsOf(work.samples, work.slotRows);
  const node = (shard: Shard): Float32Array => {
    if (shard.size === 1) {
      leaf(shard.lo, buffers);
      return bench.floats(buffers, count);
    }
    const [left, right] = halves(shard, slots).map(node);
    return left.map((value, i) => Math.fround(value + right[i]));
  };
  return node(work.shard);
}

const rowsIn = ({ samples, slotRows }: ShardWork, slot: number) => Math.min(slotRows, samples - slot * slotRows);
const idsOf = ({ slotRows }: ShardWork, slot: number) => ids + 4 * slot * slotRows;

describe('shardGradient', () => {
  it('equals the recursion that defines it, for any shard of any step', () => {
    fc.assert(
      fc.property(works, (work) => {
        shardGradient(parts, from, work, buffers, buffers + 4 * floats);
        const actual = bench.floats(buffers, floats);
        const expected = explicitSum(work, floats, (slot, into) => {
          network.gradient(from, training(idsOf(work, slot), rowsIn(work, slot)), into, Write.store);
        });
        expect(bits(actual)).toEqual(bits(expected));
      }),
    );
  });

  it('stays within the temporaries that it asks for', () => {
    fc.assert(
      fc.property(works, (work) => {
        const end = floats * (1 + temporariesFor(work.shard.size, false));
        new Float32Array(bench.memory.buffer, buffers, floats * 12).fill(123);
        shardGradient(parts, from, work, buffers, buffers + 4 * floats);
        expect(bench.floats(buffers + 4 * end, floats).every((value) => value === 123)).toBe(true);
      }),
    );
  });

  it('gives the same bits for any split of a step into shards that are added along the tree', () => {
    fc.assert(
      fc.property(works, fc.infiniteStream(fc.nat(2)), (work, choices) => {
        const slots = slotsOf(work.samples, work.slotRows);
        const whole = rootShard(slots);
        const split = (shard: Shard): Float32Array => {
          if (shard.size === 1 || choices.next().value === 0) {
            const part = { ...work, shard, ids: ids + 4 * shard.lo * work.slotRows };
            shardGradient(parts, from, part, buffers, buffers + 4 * floats);
            return bench.floats(buffers, floats);
          }
          const [left, right] = halves(shard, slots).map(split);
          const [a, b] = [bench.memory.buffer.byteLength - 8 * floats, bench.memory.buffer.byteLength - 4 * floats];
          new Float32Array(bench.memory.buffer, a, floats).set(left);
          new Float32Array(bench.memory.buffer, b, floats).set(right);
          kernels.add(a, b, a, floats);
          return bench.floats(a, floats);
        };
        shardGradient(parts, from, { ...work, shard: whole, ids }, buffers, buffers + 4 * floats);
        const expected = bench.floats(buffers, floats);
        expect(bits(split(whole))).toEqual(bits(expected));
      }),
    );
  });
});

describe('shardGradient with coded numbers', () => {
  const coding: Coding = { bits: 4, statistics: [{ offset: 7, floats: 3 }] };

  it('quantises each slot before it is added, and leaves statistics and the score as they are', () => {
    fc.assert(
      fc.property(works, (work) => {
        shardGradient(parts, from, { ...work, coding }, buffers, buffers + 4 * floats);
        const actual = bench.floats(buffers, floats);
        const expected = explicitSum(work, floats, (slot, into) => {
          network.gradient(from, training(idsOf(work, slot), rowsIn(work, slot)), into, Write.store);
          const whole = bench.floats(into, floats);
          quantise(bench.memory, coding, into, floats - 2);
          const quantised = bench.floats(into, floats);
          expect(bits(quantised.slice(7, 10))).toEqual(bits(whole.slice(7, 10)));
          expect(bits(quantised.slice(-2))).toEqual(bits(whole.slice(-2)));
          expect(bits(quantised)).not.toEqual(bits(whole));
        });
        expect(bits(actual)).toEqual(bits(expected));
      }),
    );
  });

  it('stays within the temporaries that it asks for', () => {
    fc.assert(
      fc.property(works, (work) => {
        const end = floats * (1 + temporariesFor(work.shard.size, true));
        new Float32Array(bench.memory.buffer, buffers, floats * 12).fill(123);
        shardGradient(parts, from, { ...work, coding }, buffers, buffers + 4 * floats);
        expect(bench.floats(buffers + 4 * end, floats).every((value) => value === 123)).toBe(true);
      }),
    );
  });
});

describe('shardEvaluation', () => {
  it('equals the recursion that defines it, and predicts every sample of the shard in order', () => {
    fc.assert(
      fc.property(works, (work) => {
        const first = work.shard.lo * work.slotRows;
        const count = Math.min(first + work.shard.size * work.slotRows, work.samples) - first;
        const bytes = new Uint8Array(bench.memory.buffer, predictions, 300).fill(99);
        shardEvaluation(parts, from, work, buffers, buffers + 8, predictions);
        const actual = bench.floats(buffers, 2);
        const seen = [...bytes];
        const expected: number[] = [];
        const sums = explicitSum(work, 2, (slot, into) => {
          network.evaluate(from, evaluating(idsOf(work, slot), rowsIn(work, slot)), into, Write.store, pairs);
          expected.push(...new Uint8Array(bench.memory.buffer, pairs, rowsIn(work, slot)));
        });
        expect(bits(actual)).toEqual(bits(sums));
        expect(expected.length).toBe(count);
        expect(seen).toEqual([...expected, ...new Array(300 - count).fill(99)]);
      }),
    );
  });

  it('takes the slots of an evaluation', () => {
    const slots = slotsOf(300, evaluationRows);
    expect(slots).toBe(5);
    const work = {
      shard: rootShard(slots),
      samples: 300,
      slotRows: evaluationRows,
      ids,
      moment: { seed: 1, epoch: 0 },
      step: 0,
      coding: null,
    };
    shardEvaluation(parts, from, work, buffers, buffers + 8, predictions);
    const [loss, correct] = bench.floats(buffers, 2);
    const labels = Array.from({ length: 300 }, (_, i) => stored.labels[(i * 7) % 300]);
    const seen = new Uint8Array(bench.memory.buffer, predictions, 300);
    expect(correct).toBe(labels.filter((label, i) => label === seen[i]).length);
    expect(loss).toBeGreaterThan(0);
  });
});

describe('sizes', () => {
  it('counts the temporaries of a shard', () => {
    const sizes = [1, 2, 3, 4, 5, 8, 9, 16];
    expect(sizes.map((size) => temporariesFor(size, false))).toEqual([0, 0, 1, 1, 2, 2, 3, 3]);
    expect(sizes.map((size) => temporariesFor(size, true))).toEqual([0, 1, 2, 2, 3, 3, 4, 4]);
  });
});
