import { expect, test } from 'vitest';
import { LearningCurve, smoothed, thinned } from '../../../coordinator/page/curve.js';

const point = (step: number, testAccuracy?: number) => ({
  step,
  loss: 1 / step,
  accuracy: 0.5,
  ...(testAccuracy !== undefined && { testAccuracy, testLoss: 0.1 }),
});

test('gathers what is new, and begins anew with what is complete', () => {
  const curve = new LearningCurve();
  curve.add([point(1), point(2)], true);
  curve.add([point(3, 0.9)], false);
  expect(curve.points.map(({ step }) => step)).toEqual([1, 2, 3]);
  const { revision } = curve;
  curve.add([], false);
  expect(curve.revision).toBe(revision);
  curve.add([point(1)], true);
  expect(curve.points.map(({ step }) => step)).toEqual([1]);
  expect(curve.revision).not.toBe(revision);
});

test('stays bounded, and keeps evaluations and the newest point', () => {
  const points = Array.from({ length: 50_001 }, (_, i) => point(i + 1, i % 1001 === 0 ? 0.9 : undefined));
  const few = thinned(points);
  expect(few.length).toBeLessThanOrEqual(4000);
  expect(few.filter(({ testAccuracy }) => testAccuracy !== undefined)).toHaveLength(50);
  expect(few.at(-1)).toBe(points.at(-1));
});

test('smoothing keeps a constant, draws nothing to zero, and leaves gaps', () => {
  expect(smoothed([3, null, 3, 3], 0.9)).toEqual([3, null, expect.closeTo(3), expect.closeTo(3)]);
  expect(smoothed([1, 5, 2], 0)).toEqual([1, 5, 2]);
  const [, second] = smoothed([0, 1], 0.5);
  expect(second).toBeCloseTo(2 / 3);
});
