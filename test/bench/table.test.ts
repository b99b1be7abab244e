import { expect, test } from 'vitest';
import { ranged, renderTable, thousands, times } from './table.js';

test('a table is Markdown with its columns aligned, numbers to the right', () => {
  const table = {
    title: '',
    columns: ['who', 'rate', 'which'],
    rows: [
      ['a', '9.8 k', '2 x DDP'],
      ['bcde', '120 k (90 k-130 k)', '-'],
    ],
  };
  expect(renderTable(table).split('\n')).toEqual([
    '| who  |               rate | which   |',
    '| ---- | -----------------: | ------- |',
    '| a    |              9.8 k | 2 x DDP |',
    '| bcde | 120 k (90 k-130 k) | -       |',
  ]);
});

test('rates are short', () => {
  expect([640.4, 9_812, 207_400, Number.NaN].map(thousands)).toEqual(['640', '9.8 k', '207 k', '-']);
  expect([1.256, Number.NaN].map(times)).toEqual(['1.26 x', '-']);
  expect(ranged({ min: 1000, median: 2000, max: 30_000, count: 3 }, thousands)).toBe('2.0 k (1.0 k-30 k)');
});
