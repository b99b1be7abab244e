import { expect, test } from 'vitest';
import { bestFleet, planStep } from '../../../coordinator/plan/step-plan.js';
import { stepWorkOf } from '../../../coordinator/plan/step-work.js';
import { presets } from '../../../shared/model/presets.js';

const mlp = stepWorkOf(presets.mlp.model, 128, 16);
const cnn = stepWorkOf(presets['cnn-small'].model, 256, 32);
const slow = { samplesPerSecond: 1000, threads: 1 };
const lan = { mbps: 100, rttMs: 2 };
const weights = 4 * 101_770;

test('every device gets the weights and sends one gradient, and both directions of the link are busy', () => {
  for (const devices of [1, 2, 4, 8]) {
    const { transferMs, bytesPerDevice, computeMs } = planStep(mlp, slow, lan, devices);
    expect(bytesPerDevice).toBe(2 * weights);
    expect(transferMs).toBeCloseTo((8 * weights * (devices + 1)) / 100_000);
    expect(computeMs).toBeCloseTo(128 / devices);
  }
});

test('a device whose slots are no single node of the tree sends several gradients, and the slowest share counts', () => {
  // Slots 0-2, 3-4 and 5-7: each is two nodes.
  const { bytesPerDevice, computeMs } = planStep(mlp, slow, lan, 3);
  expect(bytesPerDevice).toBe(3 * weights);
  expect(computeMs).toBeCloseTo((128 * 3) / 8);
});

test('a step is the sum of its parts, and the speed follows from it', () => {
  const { computeMs, handlingMs, transferMs, latencyMs, stepMs, samplesPerSecond } = planStep(cnn, slow, lan, 4);
  expect(stepMs).toBeCloseTo(computeMs + handlingMs + transferMs + latencyMs);
  expect(latencyMs).toBe(2);
  expect(samplesPerSecond).toBeCloseTo((1000 * 256) / stepMs);
});

test('slow devices take longer to send and receive, too', () => {
  const fast = planStep(mlp, { samplesPerSecond: 200_000, threads: 1 }, lan, 1);
  const tenth = planStep(mlp, { samplesPerSecond: 20_000, threads: 1 }, lan, 1);
  expect(tenth.handlingMs).toBeGreaterThan(5 * fast.handlingMs);
  // With two threads that make the same speed together, each is half as fast, and one of them sends.
  expect(planStep(mlp, { samplesPerSecond: 20_000, threads: 2 }, lan, 1).handlingMs).toBeGreaterThan(tenth.handlingMs);
});

test('the best fleet is small where bytes decide, and large where computing does', () => {
  const phone = { samplesPerSecond: 35_000, threads: 1 };
  expect(bestFleet(mlp, phone, lan, 32).devices).toBe(1);
  expect(bestFleet(cnn, { samplesPerSecond: 100, threads: 1 }, lan, 32).devices).toBe(8);
  expect(bestFleet(cnn, { samplesPerSecond: 100, threads: 1 }, lan, 4).devices).toBe(4);
});
