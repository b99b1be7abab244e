/**
 * Compares late copies of shards, and recomputes a shard where two results differ or where one is not finite.
 *
 * A late shard is leased to a second member too. The first result is counted, and the late copy is compared with it.
 * Equal bytes audit both members at no cost. If the bytes differ, one of the two is wrong (E2): the shard is then
 * computed once more with the weights of its step. A copy of the first result and of those weights is kept while a late
 * copy may come. Both lie in buffers that are used again: fresh memory or a hash of the result would block the event
 * loop ten times as long as the copy itself.
 */

import type { Pointer } from '../arithmetic/kernels.js';
import type { Machine } from '../compute/machine.js';
import { limits } from '../limits.js';
import type { LeaseOrder } from '../pool/pool-driver.js';
import { sumFloats } from '../work/kinds.js';

/** The member whose result was counted. */
export interface Audited {
  readonly name: string;
  /** Late copies of others that were equal to its results, and its own that were equal to others'. */
  copiesAgreed: number;
  /** It has computed something wrong: it is out. */
  expel(detail: string): void;
}

/** A late copy that may come, and what it is compared with. */
export interface LateCopy {
  readonly order: LeaseOrder;
  readonly first: Audited;
  /** A buffer with the sum that was counted. */
  readonly counted: Pointer;
  /** Those of the shard's step. */
  readonly weights: StepWeights;
  /** Called when the copy is not awaited any longer. */
  readonly whenForgotten: () => void;
}

/** A buffer with the weights of a step, for all late copies of that step. */
interface StepWeights {
  readonly step: number;
  readonly at: Pointer;
  /** Late copies that need it. */
  holders: number;
}

export interface Verdict {
  readonly firstIsRight: boolean;
  readonly lateIsRight: boolean;
}

export class Audits {
  private readonly awaited = new Set<LateCopy>();
  private newest: StepWeights | null = null;

  constructor(private readonly machine: Machine) {}

  /**
   * `first` gave `sum` for the shard, and another member may give a copy of it. To be called while the workspace has
   * the weights of the shard's step. When too many copies are awaited, the oldest is forgotten.
   */
  expect(order: LeaseOrder, first: Audited, sum: Pointer, whenForgotten: () => void): LateCopy {
    const counted = this.copyOf(sum, this.floatsOf(order));
    const copy: LateCopy = { order, first, counted, weights: this.holdWeights(order.task.step), whenForgotten };
    this.awaited.add(copy);
    if (this.awaited.size > limits.lateCopiesMax) {
      const [oldest] = this.awaited;
      this.forget(oldest);
      oldest.whenForgotten();
    }
    return copy;
  }

  /** Does nothing if the copy is forgotten already. */
  forget(copy: LateCopy): void {
    if (!this.awaited.delete(copy)) return;
    const { buffers } = this.machine;
    buffers.release(copy.counted);
    copy.weights.holders -= 1;
    if (copy.weights.holders > 0) return;
    buffers.release(copy.weights.at);
    if (this.newest === copy.weights) this.newest = null;
  }

  /** The late copy has come. Computes the shard, and blocks for as long, only where the two differ. */
  compare(copy: LateCopy, sum: Pointer): Verdict {
    const verdict = this.verdictOn(copy, sum);
    this.forget(copy);
    return verdict;
  }

  private verdictOn({ order, counted, weights }: LateCopy, sum: Pointer): Verdict {
    const isEqual = (a: Pointer, b: Pointer) => this.machine.tensors.isEqual(a, b, this.floatsOf(order));
    if (isEqual(counted, sum)) return { firstIsRight: true, lateIsRight: true };
    const compute = (own: Pointer) => this.computeWith(weights, order, own);
    return this.recomputed(compute, (own) => ({ firstIsRight: isEqual(counted, own), lateIsRight: isEqual(sum, own) }));
  }

  /** Whether what a shard of the present step should be is finite. Computes it, and blocks for as long. */
  isFinite(order: LeaseOrder): boolean {
    const { machine } = this;
    const compute = (own: Pointer) => machine.compute(order.task, order.shard, own);
    return this.recomputed(compute, (own) => machine.kernels.allFinite(own, this.floatsOf(order)) === 1);
  }

  private recomputed<T>(compute: (own: Pointer) => void, look: (own: Pointer) => T): T {
    const { buffers } = this.machine;
    const own = buffers.acquire();
    compute(own);
    const seen = look(own);
    buffers.release(own);
    return seen;
  }

  /** The workspace keeps the weights of the present step, because the machine's threads may be computing with them. */
  private computeWith({ at }: StepWeights, { task, shard }: LeaseOrder, own: Pointer): void {
    const { machine } = this;
    const transposed = machine.buffers.acquire();
    machine.computeWith(at, transposed, task, shard, own);
    machine.buffers.release(transposed);
  }

  private floatsOf({ task }: LeaseOrder): number {
    return sumFloats(task.work, this.machine.workspace.parameters);
  }

  private holdWeights(step: number): StepWeights {
    const { weights, parameters } = this.machine.workspace;
    if (this.newest?.step !== step) this.newest = { step, at: this.copyOf(weights, parameters), holders: 0 };
    this.newest.holders += 1;
    return this.newest;
  }

  /** Copies a tensor to a buffer, which must be released. */
  private copyOf(at: Pointer, floats: number): Pointer {
    const copy = this.machine.buffers.acquire();
    this.machine.tensors.copy(at, copy, floats);
    return copy;
  }
}
