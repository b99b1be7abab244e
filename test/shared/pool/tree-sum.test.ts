import fc from 'fast-check';
import { expect, it } from 'vitest';
import { rootShard, type Shard, shardAt } from '../../../shared/pool/tree.js';
import { TreeSum } from '../../../shared/pool/tree-sum.js';

/** The sum of a node as text, with brackets where the tree adds. */
function bracketed({ lo, size }: Shard, slots: number): string {
  if (size === 1) return `${lo}`;
  const [left, right] = [shardAt(lo, size / 2, slots), shardAt(lo + size / 2, size / 2, slots)];
  return `(${bracketed(left, slots)}+${bracketed(right, slots)})`;
}

/** The same from the results of the slots, one after the other. */
function summed(first: number, count: number): { text: string; mostKept: number } {
  const texts = Array.from({ length: count }, (_, n) => `${first + n}`);
  const sum = new TreeSum<number>((left, right) => {
    texts[left] = `(${texts[left]}+${texts[right]})`;
  });
  let mostKept = 0;
  for (let n = 0; n < count; n++) {
    sum.push(n);
    mostKept = Math.max(mostKept, sum.pending.length);
  }
  const text = texts[sum.finish()];
  expect(sum.pending).toEqual([]);
  return { text, mostKept };
}

it('adds along the tree, for any number of slots, with one sum a level', () => {
  for (let slots = 1; slots <= 40; slots++) {
    const { text, mostKept } = summed(0, slots);
    expect(text).toBe(bracketed(rootShard(slots), slots));
    expect(mostKept).toBeLessThanOrEqual(Math.ceil(Math.log2(slots + 1)));
  }
});

it('adds a node that does not begin with slot 0', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 100 }), fc.nat(5), fc.nat(99), (slots, level, n) => {
      const size = 2 ** level;
      const lo = size * (n % Math.ceil(slots / size));
      const count = Math.min(size, slots - lo);
      expect(summed(lo, count).text).toBe(bracketed(shardAt(lo, size, slots), slots));
    }),
  );
});
