/** Which samples a member holds already, so that none is carried to it twice. */
import { evaluationRows, type SampleOrder } from '../data/order.js';
import { shardSamples } from '../model/shard.js';
import { type Shard, shardEnd } from '../pool/tree.js';
import type { Task } from '../work/task.js';

export class HeldSamples {
  private readonly train: Bits;
  private readonly testSet: Bits;
  /** How many samples of a slot's partition are held: of one that is held in whole, nothing is looked up any more. */
  private readonly heldOf = new Map<number, number>();

  /** `order` is that of the training set, `train` and `test` the sizes of the two sets. */
  constructor(
    private readonly order: SampleOrder,
    train: number,
    private readonly test: number,
  ) {
    this.train = new Bits(train);
    this.testSet = new Bits(test);
  }

  /** Those of a shard's samples that are not held yet, in slot order; from now on they are. */
  takeMissing(task: Pick<Task, 'work' | 'epoch' | 'stepInEpoch'>, shard: Shard): number[] {
    const missing: number[] = [];
    if (task.work === 'evaluation') this.takeOfTest(shard, missing);
    else {
      const end = shardEnd(shard, this.order.slotsIn(task.stepInEpoch));
      for (let slot = shard.lo; slot < end; slot++) this.takeOfSlot(task, slot, missing);
    }
    return missing;
  }

  private takeOfTest(shard: Shard, missing: number[]): void {
    const first = shard.lo * evaluationRows;
    const end = first + shardSamples(shard, this.test, evaluationRows);
    for (let id = first; id < end; id++) if (this.testSet.add(id)) missing.push(id);
  }

  private takeOfSlot(
    { epoch, stepInEpoch }: Pick<Task, 'epoch' | 'stepInEpoch'>,
    slot: number,
    missing: number[],
  ): void {
    const held = this.heldOf.get(slot) ?? 0;
    if (held === this.order.partition(slot).length) return;
    const before = missing.length;
    for (const id of this.order.microBatch(epoch, stepInEpoch, slot)) if (this.train.add(id)) missing.push(id);
    this.heldOf.set(slot, held + missing.length - before);
  }
}

class Bits {
  private readonly bytes: Uint8Array;

  constructor(count: number) {
    this.bytes = new Uint8Array(Math.ceil(count / 8));
  }

  /** Sets a bit; true when it was not set before. */
  add(n: number): boolean {
    const bit = 1 << (n & 7);
    if ((this.bytes[n >> 3] & bit) !== 0) return false;
    this.bytes[n >> 3] |= bit;
    return true;
  }
}
