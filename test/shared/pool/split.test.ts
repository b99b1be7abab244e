import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cut, runsOf } from '../../../shared/pool/split.js';
import { isShard, type Shard, shardEnd } from '../../../shared/pool/tree.js';
import { Random } from '../../../shared/random.js';

const speedsOf = (max: number) =>
  fc.array(fc.double({ min: 1e-7, max: 1e7, noNaN: true }), { minLength: 1, maxLength: max });

/** A non-empty range of the slots of a tree. */
const ranges = fc
  .integer({ min: 1, max: 300 })
  .chain((slots) =>
    fc
      .tuple(fc.nat(slots - 1), fc.integer({ min: 1, max: slots }))
      .map(([lo, length]) => ({ slots, lo, hi: Math.min(slots, lo + length) })),
  );

const slotsOf = (run: readonly Shard[], slots: number) =>
  run.reduce((sum, shard) => sum + shardEnd(shard, slots) - shard.lo, 0);

const counts = (lo: number, hi: number, slots: number, speeds: readonly number[]) =>
  split(lo, hi, slots, speeds).map((run) => slotsOf(run, slots));

/** Splits like the pool when there was no cut before. */
const split = (lo: number, hi: number, slots: number, speeds: readonly number[]) =>
  runsOf(lo, cut(lo, hi, speeds), slots);

const even = (members: number) => new Array<number>(members).fill(1);

/** Adds an error of up to `share` to each speed, like a measurement. */
function withNoise(speeds: readonly number[], share: number, random: Random): number[] {
  return speeds.map((speed) => speed * (1 + share * (2 * random.uniform() - 1)));
}

describe('a split', () => {
  it('covers the slots exactly, in order, with nodes of the tree: one run for each member', () => {
    fc.assert(
      fc.property(ranges, speedsOf(40), ({ slots, lo, hi }, speeds) => {
        const runs = split(lo, hi, slots, speeds);
        expect(runs.length).toBe(speeds.length);
        let next = lo;
        for (const shard of runs.flat()) {
          expect(isShard(shard, slots)).toBe(true);
          expect(shard.lo).toBe(next);
          next = shardEnd(shard, slots);
        }
        expect(next).toBe(hi);
      }),
      { numRuns: 500 },
    );
  });

  it('gives nothing to a member that would take many times as long as the others, wherever it stands', () => {
    for (let members = 2; members <= 24; members++) {
      for (let slow = 0; slow < members; slow++) {
        for (const share of [0.05, 1e-6]) {
          const speeds = even(members).with(slow, share);
          expect(counts(0, members, members, speeds)[slow], `${slow} of ${members}`).toBe(0);
        }
      }
    }
  });

  it('gives everyone something when all are equally fast and there is enough', () => {
    for (let slots = 1; slots <= 130; slots++) {
      for (let members = 1; members <= slots; members++) {
        expect(Math.min(...counts(0, slots, slots, even(members)))).toBeGreaterThan(0);
      }
    }
  });

  it('is near everyone’s due: within a slot, or the fifth of an even share that makes for larger shards, at each end', () => {
    fc.assert(
      fc.property(ranges, speedsOf(20), ({ slots, lo, hi }, speeds) => {
        const total = speeds.reduce((sum, speed) => sum + speed, 0);
        const slack = 2 * Math.max(0.5, (0.2 * (hi - lo)) / speeds.length) + 1e-6;
        for (const [i, count] of counts(lo, hi, slots, speeds).entries()) {
          expect(Math.abs(count - ((hi - lo) * speeds[i]) / total)).toBeLessThanOrEqual(slack);
        }
      }),
    );
  });

  it('is one shard for each of 1, 2, 4 … equally fast members', () => {
    for (const slots of [32, 64, 128]) {
      for (const members of [1, 2, 4, 8, 16, 32]) {
        expect(split(0, slots, slots, even(members)).map((run) => run.length)).toEqual(even(members));
      }
    }
  });

  it('is few shards for any number of equally fast members', () => {
    for (let members = 1; members <= 32; members++) {
      const runs = split(0, 128, 128, even(members));
      expect(Math.max(...runs.map((run) => run.length))).toBeLessThanOrEqual(3);
    }
  });

  it('does not follow noise of 5%: boundaries that the tree suggests stay where they are', () => {
    const random = new Random(1);
    for (const slots of [32, 64, 128]) {
      for (const members of [2, 4, 8]) {
        const quiet = split(0, slots, slots, even(members));
        for (let i = 0; i < 200; i++) {
          expect(split(0, slots, slots, withNoise(even(members), 0.05, random))).toEqual(quiet);
        }
      }
    }
  });

  it('moves few slots when speeds that are not even vary by 5%', () => {
    const random = new Random(2);
    let moved = 0;
    let all = 0;
    for (let i = 0; i < 300; i++) {
      const members = 2 + random.below(8);
      const speeds = Array.from({ length: members }, () => 0.5 + random.uniform());
      const before = counts(0, 128, 128, speeds);
      const after = counts(0, 128, 128, withNoise(speeds, 0.05, random));
      let [from, to] = [0, 0];
      for (const [member, count] of before.entries()) {
        from += count;
        to += after[member];
        moved += Math.abs(to - from);
      }
      all += 128;
    }
    expect(moved / all).toBeLessThan(0.06);
  });

  it('leaves nothing for a member that is slower than all others by far', () => {
    expect(counts(0, 8, 8, [1, 1e-6, 1])).toEqual([4, 0, 4]);
  });

  it('works at the edges: one slot for many members, speeds far apart', () => {
    expect(counts(3, 4, 8, even(5)).reduce((sum, count) => sum + count, 0)).toBe(1);
    expect(counts(0, 1_000_000, 1_000_000, [1e-9, 1e9]).reduce((sum, count) => sum + count, 0)).toBe(1_000_000);
  });

  it('stays where it is while measurements of equally fast members vary by 5%', () => {
    const random = new Random(3);
    for (const [slots, members] of [
      [32, 3],
      [32, 5],
      [100, 6],
      [128, 7],
    ]) {
      const first = cut(0, slots, even(members));
      let held = first;
      for (let i = 0; i < 300; i++) held = cut(0, slots, withNoise(even(members), 0.05, random), held);
      expect(held).toEqual(first);
    }
  });

  it('does not stay where a member has really become slower, and comes back', () => {
    const before = cut(0, 32, even(2));
    const slow = cut(0, 32, [1, 0.25], before);
    expect(32 - slow[0].end).toBeLessThanOrEqual(8);
    expect(cut(0, 32, even(2), slow)).toEqual(before);
  });

  it('leaves runs in order whatever was held before', () => {
    fc.assert(
      fc.property(speedsOf(12), speedsOf(12), (before, speeds) => {
        const same = speeds.map((_, i) => before[i % before.length]);
        const ends = cut(0, 64, speeds, cut(0, 64, same)).map(({ end }) => end);
        expect([...ends].sort((a, b) => a - b)).toEqual(ends);
        expect(ends.at(-1)).toBe(64);
      }),
    );
  });
});
