import { expect, test } from 'vitest';
import { best, median, pairRatios, summarise } from './statistics.js';

test('the median of an odd number is the middle one, of an even number between the two', () => {
  expect(median([5, 1, 3])).toBe(3);
  expect(median([4, 1, 3, 2])).toBe(2.5);
  expect(median([7])).toBe(7);
  expect(median([])).toBeNaN();
});

test('the median leaves its argument as it is', () => {
  const values = [3, 1, 2];
  median(values);
  expect(values).toEqual([3, 1, 2]);
});

test('a summary has the range', () => {
  expect(summarise([4, 9, 5])).toEqual({ min: 4, median: 5, max: 9, count: 3 });
});

test('ratios are of one round each; a round that one side lacks has none', () => {
  expect(pairRatios([2, 6, 8], [1, 2, 4])).toEqual([2, 3, 2]);
  expect(pairRatios([2, 6, 8], [1, 2])).toEqual([2, 3]);
  expect(pairRatios([2], [1, 2])).toEqual([2]);
});

test('the best has the highest median, not the highest value', () => {
  const steady = { values: [5, 5, 5] };
  const lucky = { values: [1, 1, 100] };
  expect(best([lucky, steady, { values: [] }])).toBe(steady);
  expect(best([{ values: [] }])).toBeUndefined();
});
