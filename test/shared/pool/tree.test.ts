import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cover, halves, isShard, rootShard, type Shard, shardAt, shardEnd } from '../../../shared/pool/tree.js';

const slotCounts = fc.integer({ min: 1, max: 70 });

/** Every node of the tree over `slots`, found from the root. */
function nodesOf(slots: number): Shard[] {
  const below = (node: Shard): Shard[] => (node.size === 1 ? [node] : [node, ...halves(node, slots).flatMap(below)]);
  return below(rootShard(slots));
}

/** A non-empty range of slots. */
const ranges = slotCounts.chain((slots) =>
  fc
    .tuple(fc.integer({ min: 0, max: slots - 1 }), fc.integer({ min: 1, max: slots }))
    .map(([lo, length]) => ({ slots, lo, hi: Math.min(slots, lo + length) })),
);

describe('the canonical tree', () => {
  it('names exactly its nodes as shards', () => {
    fc.assert(
      fc.property(slotCounts, (slots) => {
        const names = new Set(nodesOf(slots).map(({ lo, size }) => `${lo}+${size}`));
        for (let lo = -1; lo <= slots; lo++) {
          for (let size = 0; size <= 2 * slots + 2; size++) {
            expect(isShard({ lo, size }, slots)).toBe(names.has(`${lo}+${size}`));
          }
        }
      }),
      { numRuns: 30 },
    );
  });

  it('refuses what is not a whole number', () => {
    for (const bad of [0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, 2 ** 32]) {
      expect(isShard({ lo: bad, size: 1 }, 8)).toBe(false);
      expect(isShard({ lo: 0, size: bad }, 8)).toBe(false);
    }
  });

  it('halves a shard into two that share its slots, neither of them empty', () => {
    fc.assert(
      fc.property(slotCounts, (slots) => {
        for (const node of nodesOf(slots).filter(({ size }) => size > 1)) {
          const [left, right] = halves(node, slots);
          expect(left.lo).toBe(node.lo);
          expect(shardEnd(left, slots)).toBe(right.lo);
          expect(shardEnd(right, slots)).toBe(shardEnd(node, slots));
          expect(right.lo).toBeLessThan(shardEnd(right, slots));
        }
      }),
    );
  });

  it('covers any range exactly', () => {
    fc.assert(
      fc.property(ranges, ({ slots, lo, hi }) => {
        let next = lo;
        for (const shard of cover(lo, hi, slots)) {
          expect(isShard(shard, slots)).toBe(true);
          expect(shard.lo).toBe(next);
          next = shardEnd(shard, slots);
        }
        expect(next).toBe(hi);
      }),
    );
  });

  it('covers any range with the fewest nodes', () => {
    fc.assert(
      fc.property(ranges, ({ slots, lo, hi }) => {
        // Nodes within the range that no larger node within the range contains. The smallest cover has exactly these.
        const within = nodesOf(slots).filter((node) => node.lo >= lo && shardEnd(node, slots) <= hi);
        const largest = within.filter(
          (node) =>
            !within.some(
              (other) =>
                other.size > node.size && other.lo <= node.lo && shardEnd(other, slots) >= shardEnd(node, slots),
            ),
        );
        expect(cover(lo, hi, slots)).toEqual(largest.sort((a, b) => a.lo - b.lo));
      }),
    );
  });

  it('covers any range exactly with nodes up to a size, and with the largest of those', () => {
    fc.assert(
      fc.property(ranges, fc.integer({ min: 1, max: 40 }), ({ slots, lo, hi }, sizeMax) => {
        const shards = cover(lo, hi, slots, sizeMax);
        expect(shards.flatMap((shard) => cover(shard.lo, shardEnd(shard, slots), slots))).toEqual(shards);
        expect(shards.every(({ size }) => size <= sizeMax)).toBe(true);
        const whole = cover(lo, hi, slots).flatMap((shard) => cover(shard.lo, shardEnd(shard, slots), slots, sizeMax));
        expect(shards).toEqual(whole);
      }),
    );
  });

  it('covers an empty range with nothing, and all slots with the root', () => {
    expect(cover(3, 3, 8)).toEqual([]);
    fc.assert(
      fc.property(slotCounts, (slots) => {
        expect(cover(0, slots, slots)).toEqual([rootShard(slots)]);
      }),
    );
  });
});

describe('a sum along the tree', () => {
  /** The definition: float32 additions. A node without a right half equals its left half. */
  const sumOf = (values: Float32Array, lo: number, size: number): number => {
    if (size === 1) return values[lo];
    const left = sumOf(values, lo, size / 2);
    return lo + size / 2 < values.length ? Math.fround(left + sumOf(values, lo + size / 2, size / 2)) : left;
  };

  it('has the same bits however the tree is split into shards, and in whatever order those arrive', () => {
    const values = fc.float32Array({ minLength: 1, maxLength: 70, noNaN: true, noDefaultInfinity: true });
    fc.assert(
      fc.property(values, fc.infiniteStream(fc.integer({ min: 0, max: 3 })), (slots, choices) => {
        const count = slots.length;
        // Cut nodes at random, and compute each piece separately, like a member of the fleet.
        const pieces = new Map<string, number>();
        const cut = (node: Shard): void => {
          if (node.size > 1 && choices.next().value !== 0) halves(node, count).forEach(cut);
          else pieces.set(`${node.lo}+${node.size}`, sumOf(slots, node.lo, node.size));
        };
        cut(rootShard(count));
        const joined = (node: Shard): number => {
          const piece = pieces.get(`${node.lo}+${node.size}`);
          if (piece !== undefined) return piece;
          const [left, right] = halves(node, count);
          return Math.fround(joined(left) + joined(right));
        };
        expect(joined(rootShard(count))).toBe(sumOf(slots, 0, rootShard(count).size));
      }),
    );
  });

  it('has the same bits when contiguous ranges are covered and joined', () => {
    const values = fc.float32Array({ minLength: 2, maxLength: 70, noNaN: true, noDefaultInfinity: true });
    fc.assert(
      fc.property(values, fc.array(fc.nat(70), { maxLength: 6 }), (slots, cuts) => {
        const count = slots.length;
        const borders = [0, ...cuts.map((at) => Math.min(at, count)).sort((a, b) => a - b), count];
        const pieces = borders.slice(1).flatMap((hi, i) => cover(borders[i], hi, count));
        const sums = new Map(pieces.map(({ lo, size }) => [`${lo}+${size}`, sumOf(slots, lo, size)]));
        const joined = (node: Shard): number => {
          const sum = sums.get(`${node.lo}+${node.size}`);
          if (sum !== undefined) return sum;
          const [left, right] = halves(node, count);
          return Math.fround(joined(left) + joined(right));
        };
        expect(joined(rootShard(count))).toBe(sumOf(slots, 0, rootShard(count).size));
      }),
    );
  });

  it('names each node by the smallest size', () => {
    expect(shardAt(0, 16, 5)).toEqual({ lo: 0, size: 8 });
    expect(shardAt(4, 4, 5)).toEqual({ lo: 4, size: 1 });
  });
});
