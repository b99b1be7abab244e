import { expect, test } from 'vitest';
import { bestFleet, planStep } from '../../../coordinator/plan/step-plan.js';
import { gradientBytes, stepWorkOf, weightBytes } from '../../../coordinator/plan/step-work.js';
import type { WireBits } from '../../../shared/model/coding.js';

const ordinary = { microBatch: 16, localSteps: 1, wireBits: 32 } as const;
const mlp = stepWorkOf('mlp', { ...ordinary, batch: 128 });
const cnn = stepWorkOf('cnn-small', { ...ordinary, batch: 256, microBatch: 32 });
const slow = { samplesPerSecond: 1000, threads: 1 };
const lan = { mbps: 100, rttMs: 2 };
const cnnWeights = 4 * 15_578;

test('every device gets the weights and sends one gradient, and both directions of the link are busy', () => {
  for (const devices of [1, 2, 4, 8]) {
    const { transferMs, bytesPerDevice, computeMs } = planStep(cnn, slow, lan, devices);
    expect(bytesPerDevice).toBe(2 * cnnWeights);
    expect(transferMs).toBeCloseTo((8 * cnnWeights * (devices + 1)) / 100_000);
    expect(computeMs).toBeCloseTo(256 / devices);
  }
});

test('a first dense layer sends less than all numbers: pixels that are always zero change nothing', () => {
  const all = 4 * 101_770;
  expect(weightBytes(mlp)).toBeLessThan(all);
  expect(gradientBytes(mlp, 1)).toBeLessThan(gradientBytes(mlp, 8));
  expect(gradientBytes(mlp, 8)).toBeLessThan(weightBytes(mlp));
  expect(gradientBytes(mlp, 1)).toBeGreaterThan(all / 2);
});

test('with fewer bits, slots travel one by one as long as that is shorter than their sum', () => {
  const coded = (wireBits: WireBits) => ({ ...cnn, wireBits });
  expect(weightBytes(coded(8))).toBeCloseTo((cnnWeights / 4) * (65 / 64));
  expect(gradientBytes(coded(4), 2)).toBeCloseTo(2 * 15_578 * (33 / 64));
  expect(gradientBytes(coded(4), 8)).toBe(cnnWeights);
  expect(gradientBytes(coded(16), 1)).toBeLessThan(gradientBytes(coded(16), 2));
});

test('a device whose slots are no single node of the tree sends several gradients, and the slowest share counts', () => {
  // Slots 0-2, 3-4 and 5-7: each is two nodes.
  const { bytesPerDevice, computeMs } = planStep(cnn, slow, lan, 3);
  expect(bytesPerDevice).toBe(3 * cnnWeights);
  expect(computeMs).toBeCloseTo((256 * 3) / 8);
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
  expect(tenth.handlingMs).toBeGreaterThan(4 * fast.handlingMs);
  // With two threads that make the same speed together, each is half as fast, and one of them sends.
  expect(planStep(mlp, { samplesPerSecond: 20_000, threads: 2 }, lan, 1).handlingMs).toBeGreaterThan(tenth.handlingMs);
});

test('more bytes a second, a shorter round trip or a faster device never make a step longer', () => {
  const stepMs = (more: { mbps?: number; rttMs?: number; speed?: number }) => {
    const { mbps = 100, rttMs = 2, speed = 1000 } = more;
    return planStep(mlp, { samplesPerSecond: speed, threads: 1 }, { mbps, rttMs }, 4).stepMs;
  };
  expect(stepMs({ mbps: 200 })).toBeLessThan(stepMs({}));
  expect(stepMs({ rttMs: 1 })).toBeCloseTo(stepMs({}) - 1);
  expect(stepMs({ speed: 2000 })).toBeLessThan(stepMs({}));
});

test('a device with a quota waits for the network while it has no time left, and is never faster than its quota', () => {
  const within = (share: number, mbps: number) =>
    planStep(mlp, { samplesPerSecond: 20_000, threads: 1, share }, { mbps, rttMs: 0 }, 1);
  expect(within(0.15, 100).stepMs).toBeLessThan(within(1, 100).stepMs);
  const { stepMs, computeMs } = within(0.15, 1e6);
  expect(stepMs).toBeGreaterThan(computeMs);
  // A quota lets a device run for a part of each tenth of a second, so it saves less than that.
  const long = (share: number) =>
    planStep(mlp, { samplesPerSecond: 10, threads: 1, share }, { mbps: 1, rttMs: 0 }, 1).stepMs;
  expect(long(1) - long(0.15)).toBeCloseTo(85);
});

test('the best fleet is small where bytes decide, and large where computing does', () => {
  const phone = { samplesPerSecond: 35_000, threads: 1 };
  expect(bestFleet(mlp, phone, lan, 32).devices).toBe(1);
  expect(bestFleet(cnn, { samplesPerSecond: 100, threads: 1 }, lan, 32).devices).toBe(8);
  expect(bestFleet(cnn, { samplesPerSecond: 100, threads: 1 }, lan, 4).devices).toBe(4);
});
