import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '../../shared/random.js';

/**
 * A generator with the given state. The published test vectors start from a state, while `Random` starts from a seed.
 */
function fromState(...state: number[]): Random {
  const random = new Random(0);
  (random as unknown as { state: Uint32Array }).state.set(state);
  return random;
}

function take(count: number, random: Random): number[] {
  return Array.from({ length: count }, () => random.uint32());
}

describe('Random', () => {
  it('gives the reference outputs of xoshiro128**', () => {
    // These numbers are from the test of the Rust crate rand_xoshiro. They were made with the authors' C code.
    expect(take(10, fromState(1, 2, 3, 4))).toEqual([
      11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849, 3729100597, 4258142804,
    ]);
  });

  it('is pinned: these numbers decide the weights of every run', () => {
    expect(take(4, new Random(1))).toEqual([393288148, 2174103013, 3814759091, 2092745082]);
    expect(take(4, new Random(1, 2, 3))).toEqual([3715618346, 315926811, 2426269737, 1794341214]);
  });

  it('gives every seed and every list of labels a stream of its own', () => {
    const lists = [[0], [1], [1, 0], [1, 0, 0], [1, 1], [1, 1, 0], [1, 0, 1], [1, 2, 3], [1, 3, 2], [2, 1, 3]];
    const streams = lists.map(([seed, ...labels]) => take(200, new Random(seed, ...labels)));
    expect(new Set(streams.flat()).size).toBe(200 * lists.length);
  });

  it('gives unrelated streams to neighbouring labels', () => {
    for (const label of [0, 1, 1000]) {
      const a = new Random(7, label);
      const b = new Random(7, label + 1);
      const equalBits = take(1000, a).reduce((sum, x) => sum + 32 - ones(x ^ b.uint32()), 0);
      expect(Math.abs(equalBits / 32_000 - 0.5)).toBeLessThan(0.015); // Five standard deviations are 0.014.
    }
  });

  it('draws below a limit without bias, and never reaches it', () => {
    const random = new Random(3);
    const counts = new Array(7).fill(0);
    for (let i = 0; i < 70_000; i++) counts[random.below(7)]++;
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(500);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 32 }), (limit) => {
        expect(random.below(limit)).toBeLessThan(limit);
      }),
    );
  });

  it('draws again where the whole multiples end', () => {
    // 3 * 2^30 fits into 2^32 only once, so a draw at or above 3 * 2^30 must not be used.
    const random = fromState(1, 2, 3, 4);
    const limit = 3 * 2 ** 30;
    const accepted = take(100, fromState(1, 2, 3, 4)).filter((x) => x < limit);
    expect(accepted.map(() => random.below(limit))).toEqual(accepted);
  });

  it('gives uniform numbers in [0, 1) that are exact as float32', () => {
    const random = new Random(5);
    for (let i = 0; i < 1000; i++) {
      const u = random.uniform();
      expect(u).toBe(Math.fround(u));
      expect(u >= 0 && u < 1).toBe(true);
    }
  });

  it('shuffles to a permutation, each equally likely', () => {
    const counts = new Map<string, number>();
    for (let seed = 0; seed < 6000; seed++) {
      const items = Uint32Array.of(0, 1, 2);
      new Random(seed).shuffle(items);
      counts.set(items.join(), (counts.get(items.join()) ?? 0) + 1);
    }
    expect(counts.size).toBe(6);
    for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(150);
  });
});

function ones(x: number): number {
  let count = 0;
  for (let bits = x >>> 0; bits !== 0; bits &= bits - 1) count++;
  return count;
}
