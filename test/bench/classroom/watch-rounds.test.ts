import { describe, expect, it } from 'vitest';
import { type Look, workersPerRound } from './watch-rounds.js';

const look = (round: number, shards: Look['shards']): Look => ({ round, atMs: 0, shards, testAccuracy: null });

describe('the workers with work in a round', () => {
  it('are counted from the first look in a round to the first in the next one', () => {
    const looks = [
      look(4, { 1: 9, 2: 9 }),
      look(4, { 1: 10, 2: 9 }),
      look(5, { 1: 10, 2: 10 }),
      look(6, { 1: 11, 2: 10 }),
    ];
    expect(workersPerRound(looks)).toEqual([2, 1]);
  });

  it('count once, however many shards they have had', () => {
    expect(workersPerRound([look(1, { 1: 0 }), look(2, { 1: 5 })])).toEqual([1]);
  });

  it('count from nothing after they have joined', () => {
    expect(workersPerRound([look(1, { 1: 3 }), look(2, { 1: 4, 7: 1 })])).toEqual([2]);
  });

  it('are the mean where no look fell into a round', () => {
    expect(workersPerRound([look(1, { 1: 0, 2: 0 }), look(3, { 1: 2, 2: 1 })])).toEqual([1.5]);
  });
});
