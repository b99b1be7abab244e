/**
 * The canonical binary tree over slot numbers (E3): the one order in which partial gradients are added.
 *
 * node(lo, 2^k) = node(lo, 2^(k-1)) + node(lo + 2^(k-1), 2^(k-1)); a node with no right half is its left half, so each
 * node is named here by the smallest size that covers its slots. A shard is one node: an aligned run of slots.
 * Summation along a fixed tree is the usual way to make a parallel reduction reproducible (Demmel and Nguyen 2015
 * survey the alternatives).
 */

/** The slots [lo, lo + size), cut off at the step's slot count. `size` is a power of two that divides `lo`. */
export interface Shard {
  readonly lo: number;
  readonly size: number;
}

/** The size by which the node at `lo` of at most `size` goes: halved while the right half would be empty. */
export function sizeAt(lo: number, size: number, slots: number): number {
  while (size > 1 && lo + size / 2 >= slots) size /= 2;
  return size;
}

/** The node at `lo` of at most `size` among `slots`. */
export function shardAt(lo: number, size: number, slots: number): Shard {
  return { lo, size: sizeAt(lo, size, slots) };
}

/** The whole step as one node. `slots` is at least 1. */
export function rootShard(slots: number): Shard {
  let size = 1;
  while (size < slots) size *= 2;
  return { lo: 0, size };
}

/** Additions on the longest way from a slot to the root: the logarithm of the slots to base 2, rounded up. */
export function treeDepth(slots: number): number {
  return 32 - Math.clz32(slots - 1);
}

/** First slot after the shard. */
export function shardEnd(shard: Shard, slots: number): number {
  return Math.min(shard.lo + shard.size, slots);
}

/** The two nodes whose sum is this one. The shard has more than one slot. */
export function halves(shard: Shard, slots: number): [left: Shard, right: Shard] {
  const half = shard.size / 2;
  return [shardAt(shard.lo, half, slots), shardAt(shard.lo + half, half, slots)];
}

/** True for a shard that names a node of the tree over `slots`, by its smallest size. */
export function isShard(shard: Shard, slots: number): boolean {
  const { lo, size } = shard;
  return (
    Number.isSafeInteger(lo) &&
    Number.isSafeInteger(size) &&
    lo >= 0 &&
    size >= 1 &&
    lo < slots &&
    (size & (size - 1)) === 0 &&
    lo % size === 0 &&
    (size === 1 || lo + size / 2 < slots)
  );
}

/** The fewest nodes of sizes up to `sizeMax` that cover the slots [lo, hi), in ascending order. */
export function cover(lo: number, hi: number, slots: number, sizeMax = Number.POSITIVE_INFINITY): Shard[] {
  const shards: Shard[] = [];
  const fits = (size: number) => lo % size === 0 && size <= sizeMax && coveredEnd(lo, size, slots) <= hi;
  while (lo < hi) {
    let size = 1;
    while (size < slots && fits(size * 2)) size *= 2;
    shards.push(shardAt(lo, size, slots));
    lo = coveredEnd(lo, size, slots);
  }
  return shards;
}

function coveredEnd(lo: number, size: number, slots: number): number {
  return Math.min(lo + size, slots);
}

/** A number that names the node: slots and sizes are below 2^21. */
export function shardKey(shard: Shard): number {
  return shard.lo * 32 + 31 - Math.clz32(shard.size);
}

export function sameShard(a: Shard, b: Shard): boolean {
  return a.lo === b.lo && a.size === b.size;
}

/** The node that this one is a half of. It is not the root. */
export function parentOf(node: Shard, slots: number): Shard {
  for (let size = node.size * 2; ; size *= 2) {
    const parent = shardAt(node.lo - (node.lo % size), size, slots);
    if (!sameShard(parent, node)) return parent;
  }
}
