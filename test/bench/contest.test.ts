import { expect, test } from 'vitest';
import { type Contender, compare, hold, strictest } from './contest.js';

/** A contender that returns these values one after the other, and adds its name to `turns`. */
function contender(name: string, side: Contender['side'], values: (number | Error)[], turns: string[]): Contender {
  let turn = 0;
  const measure = async () => {
    turns.push(name);
    const value = values[turn++];
    if (value instanceof Error) throw value;
    return value;
  };
  return { name, side, scheduling: 'other', command: `run ${name}`, measure };
}

test('contenders take turns', async () => {
  const turns: string[] = [];
  const list = [contender('a', 'ours', [1, 2, 3], turns), contender('b', 'peer', [4, 5, 6], turns)];
  const outcomes = await hold(list, 3, () => {});
  expect(turns).toEqual(['a', 'b', 'a', 'b', 'a', 'b']);
  expect(outcomes.map(({ values }) => values)).toEqual([
    [1, 2, 3],
    [4, 5, 6],
  ]);
});

test('one that fails is named and left out; the others go on', async () => {
  const turns: string[] = [];
  const list = [contender('a', 'ours', [1, new Error('no memory')], turns), contender('b', 'peer', [4, 5, 6], turns)];
  const [a, b] = await hold(list, 3, () => {});
  expect(turns).toEqual(['a', 'b', 'a', 'b', 'b']);
  expect(a).toMatchObject({ values: [1], fault: 'no memory' });
  expect(b.values).toEqual([4, 5, 6]);
  expect(b).not.toHaveProperty('fault');
});

const outcome = (name: string, side: Contender['side'], scheduling: Contender['scheduling'], values: number[]) => {
  return { name, side, scheduling, command: '', values };
};

test('our best meets the best peer, of the same class, round by round', () => {
  const outcomes = [
    outcome('one thread', 'ours', 'other', [10, 10, 10]),
    outcome('two threads', 'ours', 'other', [30, 40, 20]),
    outcome('weak', 'peer', 'other', [5, 5, 5]),
    outcome('strong', 'peer', 'other', [20, 20, 20]),
    outcome('tuned', 'peer', 'batch', [90, 90, 90]),
  ];
  const comparison = compare(outcomes, 'other');
  expect(comparison?.ours.name).toBe('two threads');
  expect(comparison?.peer.name).toBe('strong');
  expect(comparison?.ratios).toEqual([1.5, 2, 1]);
  expect(comparison?.ratio).toBe(1.5);
  expect(compare(outcomes, 'other', ({ name }) => name !== 'strong')?.peer.name).toBe('weak');
  expect(compare(outcomes, 'batch')).toBeUndefined();
});

test('the strictest of the comparisons is the one with the lowest ratio, even if its peer is slower', () => {
  const of = (scheduling: Contender['scheduling'], ours: number, peer: number) =>
    compare([outcome('a', 'ours', scheduling, [ours]), outcome('b', 'peer', scheduling, [peer])], scheduling);
  expect(strictest([of('other', 8, 4), undefined, of('batch', 15, 5)])?.ratio).toBe(2);
  expect(strictest([undefined])).toBeUndefined();
});
