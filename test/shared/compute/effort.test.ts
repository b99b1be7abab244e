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

it('the machine\u2019s own thread may compute no shard that takes long', () => {
  const effort = new Effort(orders, 100_000, 1);
  // In an evaluation, a slot of 64 samples takes 12.8 million operations.
  expect(effort.isInlineShard(evaluation, { lo: 0, size: 16 })).toBe(true);
  expect(effort.isInlineShard(evaluation, { lo: 0, size: 32 })).toBe(false);
  // The last slot is number 156.
  expect(effort.isInlineShard(evaluation, { lo: 141, size: 32 })).toBe(true);
  expect(new Effort(orders, 10_000_000, 1).isInlineShard(gradient, { lo: 0, size: 1 })).toBe(false);
});

it('shards are bounded only where that thread computes, and for tasks whose shares are long', () => {
  const effort = new Effort(orders, 100_000, 1);
  expect(effort.sizeMax(gradient)).toBeUndefined();
  // An evaluation takes 2 operations per parameter and sample. Its slots have 64 samples.
  expect(effort.sizeMax(evaluation)).toBeCloseTo(150e6 / (2 * 100_000 * 64), 6);
  expect(new Effort(orders, 100_000, 5).sizeMax(evaluation)).toBeUndefined();
  expect(new Effort(orders, 10_000_000, 1).sizeMax(evaluation)).toBeUndefined();
});
