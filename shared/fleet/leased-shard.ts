/** A shard that is leased to a worker, and the part of its result that has come so far. */

import type { Pointer } from '../arithmetic/kernels.js';
import type { Machine } from '../compute/machine.js';
import type { LeaseOrder } from '../pool/pool-driver.js';
import type { ProtocolErrorCode } from '../protocol/errors.js';
import type { Gradient } from '../protocol/messages.js';
import { invalidResultPayload, invalidTensorPayload, scoreBytes } from '../protocol/payload.js';
import { partsOf } from '../protocol/tensor.js';
import { kinds, tensorFloats } from '../work/kinds.js';
import { orderOf, shardSamples } from '../work/orders.js';
import type { LateCopy } from './audits.js';

export interface Fault {
  readonly code: ProtocolErrorCode;
  readonly detail: string;
}

export class LeasedShard {
  /** Not null if another member was first: then the sum is only compared. */
  late: LateCopy | null = null;
  /** The buffer for the parts of the gradient; null before the first part. */
  private sum: Pointer | null = null;
  private parts = 0;

  constructor(
    private readonly machine: Machine,
    readonly order: LeaseOrder,
  ) {}

  /** Puts a part of the gradient in its place. Returns what is wrong with it, or null. */
  storePart(message: Gradient, payload: Uint8Array): Fault | null {
    const { machine } = this;
    if (message.part !== this.parts || this.parts === this.partsWanted) {
      return { code: 'unexpected-message', detail: `part ${message.part} of the gradient of lease ${message.lease}` };
    }
    const fault = invalidTensorPayload(message, payload, machine.workspace.context);
    if (fault !== null) return { code: 'payload-length', detail: fault };
    this.sum ??= machine.buffers.acquire();
    this.parts += 1;
    machine.tensors.unpackPart(message.part, machine.workspace.parameters, this.sum, payload, 'zero');
    return null;
  }

  /** What is wrong with a result at this point or with its payload, or null. */
  invalidResult(payload: Uint8Array): Fault | null {
    if (this.parts < this.partsWanted) {
      return { code: 'unexpected-message', detail: `result after ${this.parts} parts of a gradient` };
    }
    const leased = { work: this.order.task.work, samples: this.samples };
    const fault = invalidResultPayload(payload, leased, this.machine.workspace.context);
    return fault === null ? null : { code: 'payload-length', detail: fault };
  }

  /** The sum, with a valid result's score in its place. The caller owns the buffer from now on. */
  completeSum(result: Uint8Array): Pointer {
    const { machine } = this;
    const sum = this.sum ?? machine.buffers.acquire();
    this.sum = null;
    machine.tensors.store(result.subarray(0, scoreBytes), sum + 4 * this.tensorFloats);
    return sum;
  }

  /** Puts the predictions behind a valid result's score to their place in the workspace. */
  storePredictions(result: Uint8Array): void {
    const { task, shard } = this.order;
    if (!kinds[task.work].predicts) return;
    const at = this.machine.workspace.predictions + shard.lo * orderOf(this.machine.orders, task).rows;
    this.machine.bytes(at, this.samples).set(result.subarray(scoreBytes));
  }

  /** Releases what was received. */
  release(): void {
    if (this.sum !== null) this.machine.buffers.release(this.sum);
    this.sum = null;
  }

  private get tensorFloats(): number {
    return tensorFloats(this.order.task.work, this.machine.workspace.parameters);
  }

  private get partsWanted(): number {
    return partsOf(this.tensorFloats);
  }

  private get samples(): number {
    const { task, shard } = this.order;
    return shardSamples(shard, orderOf(this.machine.orders, task), task.stepInEpoch);
  }
}
