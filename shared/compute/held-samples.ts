/** Knows which samples a member has already, so that no sample is sent to it twice. */
import { type SampleSet, type SetSizes, sizeOf } from '../data/dataset.js';
import { type Shard, shardEnd } from '../pool/tree.js';
import { forEachKind, kinds } from '../work/kinds.js';
import { type Orders, orderOf } from '../work/orders.js';
import type { Task } from '../work/task.js';

/** A task without its step number. The samples do not depend on it. */
type Place = Pick<Task, 'work' | 'epoch' | 'stepInEpoch'>;

export class HeldSamples {
  private readonly held: Readonly<Record<SampleSet, Bits>>;
  /** How many samples of each slot's partition the member has. Once it has all, its samples need no lookup. */
  private readonly heldOf = forEachKind(() => new Map<number, number>());

  constructor(
    private readonly orders: Orders,
    sizes: SetSizes,
  ) {
    const noneOf = (set: SampleSet) => new Bits(sizeOf(sizes, set));
    this.held = { train: noneOf('train'), validation: noneOf('validation'), test: noneOf('test') };
  }

  /** Whether the member has all samples of these slots, whatever the step. */
  holdsPartitions(task: Place, shard: Shard): boolean {
    const order = orderOf(this.orders, task);
    const end = shardEnd(shard, order.slotsIn(task.stepInEpoch));
    for (let slot = shard.lo; slot < end; slot++) if (!this.holdsPartition(task, slot)) return false;
    return true;
  }

  /** Returns those of the shard's samples that the member has not, in slot order. From now on it has them. */
  claimMissing(task: Place, shard: Shard): number[] {
    const missing: number[] = [];
    const end = shardEnd(shard, orderOf(this.orders, task).slotsIn(task.stepInEpoch));
    for (let slot = shard.lo; slot < end; slot++) this.claimSlot(task, slot, missing);
    return missing;
  }

  private claimSlot(task: Place, slot: number, missing: number[]): void {
    const order = orderOf(this.orders, task);
    if (this.holdsPartition(task, slot)) return;
    const heldOf = this.heldOf[task.work];
    const held = this.held[kinds[task.work].set];
    const before = missing.length;
    for (const id of order.slotIds(task.epoch, task.stepInEpoch, slot)) if (held.add(id)) missing.push(id);
    heldOf.set(slot, (heldOf.get(slot) ?? 0) + missing.length - before);
  }

  private holdsPartition(task: Place, slot: number): boolean {
    return this.heldOf[task.work].get(slot) === orderOf(this.orders, task).partition(slot).length;
  }
}

/** A set of small numbers. */
class Bits {
  private readonly bytes: Uint8Array;

  constructor(count: number) {
    this.bytes = new Uint8Array(Math.ceil(count / 8));
  }

  /** Adds a number. Returns whether it was not in the set before. */
  add(n: number): boolean {
    const bit = 1 << (n & 7);
    if ((this.bytes[n >> 3] & bit) !== 0) return false;
    this.bytes[n >> 3] |= bit;
    return true;
  }
}
