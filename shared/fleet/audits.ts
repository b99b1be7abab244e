/**
 * Compares late copies of shards, and recomputes a shard where two results differ or where one is not finite.
 *
 * A late shard is leased to a second member too. The first result is counted, and the late copy is compared with it.
 * Equal bytes audit both members at no cost. If the bytes differ, one of the two is wrong (E2): the shard is then
 * computed once more with the weights of its step. A copy of those weights is kept while a late copy may come.
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
  /** SHA-256 of the sum that was counted. */
  readonly sha256: string;
  /** Those of the shard's step. */
  readonly weights: StepWeights;
  /** Called when the copy is not awaited any longer. */
  readonly whenForgotten: () => void;
}

interface StepWeights {
  readonly step: number;
  readonly floats: Float32Array;
}

export interface Verdict {
  readonly firstIsRight: boolean;
  readonly lateIsRight: boolean;
}

export class Audits {
  private readonly awaited = new Set<LateCopy>();
  private newest: StepWeights | null = null;

  constructor(
    private readonly machine: Machine,
    private readonly sha256: (bytes: Uint8Array) => string,
  ) {}

  /**
   * `first` gave `sum` for the shard, and another member may give a copy of it. To be called while the workspace has
   * the weights of the shard's step. When too many copies are awaited, the oldest is forgotten.
   */
  expect(order: LeaseOrder, first: Audited, sum: Pointer, whenForgotten: () => void): LateCopy {
    const sha256 = this.hash(order, sum);
    const copy: LateCopy = { order, first, sha256, weights: this.weightsOf(order.task.step), whenForgotten };
    this.awaited.add(copy);
    if (this.awaited.size > limits.lateCopiesMax) {
      const [oldest] = this.awaited;
      this.forget(oldest);
      oldest.whenForgotten();
    }
    return copy;
  }

  forget(copy: LateCopy): void {
    this.awaited.delete(copy);
    if (this.awaited.size === 0) this.newest = null;
  }

  /** The late copy has come. Computes the shard, and blocks for as long, only where the two differ. */
  compare(copy: LateCopy, sum: Pointer): Verdict {
    this.forget(copy);
    const late = this.hash(copy.order, sum);
    if (late === copy.sha256) return { firstIsRight: true, lateIsRight: true };
    const right = this.withWeights(copy.weights, () =>
      this.recomputed(copy.order, (own) => this.hash(copy.order, own)),
    );
    return { firstIsRight: copy.sha256 === right, lateIsRight: late === right };
  }

  /** Whether what a shard of the present step should be is finite. Computes it, and blocks for as long. */
  isFinite(order: LeaseOrder): boolean {
    const { kernels } = this.machine;
    return this.recomputed(order, (own) => kernels.allFinite(own, this.floatsOf(order)) === 1);
  }

  private recomputed<T>({ task, shard }: LeaseOrder, look: (own: Pointer) => T): T {
    const { machine } = this;
    const own = machine.buffers.acquire();
    machine.compute(task, shard, own);
    const seen = look(own);
    machine.buffers.release(own);
    return seen;
  }

  private hash(order: LeaseOrder, sum: Pointer): string {
    return this.sha256(this.machine.bytes(sum, 4 * this.floatsOf(order)));
  }

  private floatsOf({ task }: LeaseOrder): number {
    return sumFloats(task.work, this.machine.workspace.parameters);
  }

  private weightsOf(step: number): StepWeights {
    if (this.newest?.step !== step) this.newest = { step, floats: this.present().slice() };
    return this.newest;
  }

  private withWeights<T>({ floats }: StepWeights, act: () => T): T {
    const now = this.present().slice();
    this.restore(floats);
    const result = act();
    this.restore(now);
    return result;
  }

  private restore(floats: Float32Array): void {
    this.present().set(floats);
    this.machine.weightsChanged();
  }

  private present(): Float32Array {
    const { weights, parameters } = this.machine.workspace;
    return this.machine.floats(weights, parameters);
  }
}
