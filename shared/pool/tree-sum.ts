/**
 * Adds the results of neighbouring slots along the canonical tree (E3), in the order of the slots. It keeps one sum for each
 * level of the tree, as a binary counter keeps its digits.
 */
import { assert } from '../assert.js';

/** `T`: what stands for the result of a slot and for a sum, for example an address. */
export class TreeSum<T> {
  /** The sums so far. Their sizes in slots are powers of two that descend. */
  private readonly nodes: { readonly at: T; readonly size: number }[] = [];

  /** `add` adds the right sum to the left one. The right one is not needed after that. */
  constructor(private readonly add: (left: T, right: T) => void) {}

  /** Takes the result of the next slot. The first slot of all must be the first one of a node of the tree. */
  push(at: T): void {
    this.nodes.push({ at, size: 1 });
    while (this.nodes.length > 1 && this.top(1).size === this.top(2).size) this.merge();
  }

  /** The sum of all slots. */
  finish(): T {
    while (this.nodes.length > 1) this.merge();
    assert(this.nodes.length === 1, 'a sum of no slots');
    return this.nodes.pop()!.at;
  }

  /** The sums that are not added yet. */
  get pending(): T[] {
    return this.nodes.map(({ at }) => at);
  }

  /** Forgets all sums. */
  clear(): void {
    this.nodes.length = 0;
  }

  private merge(): void {
    const [left, right] = this.nodes.splice(-2);
    this.add(left.at, right.at);
    this.nodes.push({ at: left.at, size: left.size + right.size });
  }

  private top(n: number) {
    return this.nodes[this.nodes.length - n];
  }
}
