/** Tests how the amount of work decides which threads compute it, and in how large shards. */
import { expect, it } from 'vitest';
import { Effort } from '../../../shared/compute/effort.js';
import { ordersOf } from '../../../shared/work/orders.js';
import type { Task } from '../../../shared/work/task.js';

const orders = ordersOf({ train: 1_000, test: 10_000, batch: 100, microBatch: 10, seed: 1 });
const gradient: Task = { work: 'gradient', step: 0, epoch: 0, stepInEpoch: 0 };
const evaluation: Task = { ...gradient, work: 'evaluation' };

it('a step is for the machine\u2019s own thread, too, if a share of it is short', () => {
  // A gradient takes 6 operations per parameter and sample: 600 per parameter in a step of 100 samples.
  const parametersMax = Math.floor(400e6 / 600);
  expect(new Effort(orders, parametersMax, 1).isInline).toBe(true);
  expect(new Effort(orders, parametersMax + 1, 1).isInline).toBe(false);
  expect(new Effort(orders, 2 * parametersMax, 2).isInline).toBe(true);
  expect(new Effort(orders, 1, 0).isInline).toBe(false);
});

it('a shard is brief if it takes a few milliseconds at the best speed so far', () => {
  const effort = new Effort(orders, 100_000, 1);
  expect(effort.isBrief(gradient, { lo: 0, size: 1 })).toBe(false);
  // 10 samples a slot.
  effort.took(2, gradient, { lo: 0, size: 1 });
  expect([1, 2, 4].map((size) => effort.isBrief(gradient, { lo: 0, size }))).toEqual([true, true, false]);
  effort.took(100, gradient, { lo: 2, size: 2 });
  expect(effort.isBrief(gradient, { lo: 0, size: 2 })).toBe(true);
  effort.took(4, gradient, { lo: 4, size: 4 });
  expect([4, 8].map((size) => effort.isBrief(gradient, { lo: 0, size }))).toEqual([true, false]);
  expect(effort.isBrief(evaluation, { lo: 0, size: 1 })).toBe(false);
});

it('shards are bounded only where that thread computes, and for tasks whose shares are long', () => {
  const effort = new Effort(orders, 100_000, 1);
  expect(effort.sizeMax(gradient)).toBeUndefined();
  // An evaluation takes 2 operations per parameter and sample. Its slots have 64 samples.
  expect(effort.sizeMax(evaluation)).toBeCloseTo(150e6 / (2 * 100_000 * 64), 6);
  expect(new Effort(orders, 100_000, 5).sizeMax(evaluation)).toBeUndefined();
  expect(new Effort(orders, 10_000_000, 1).sizeMax(evaluation)).toBeUndefined();
});
