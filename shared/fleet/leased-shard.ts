/** A shard that a worker has, and what has come of its result so far. */

import type { Pointer } from '../arithmetic/kernels.js';
import type { Machine } from '../compute/machine.js';
import { evaluationRows } from '../data/order.js';
import { shardSamples } from '../model/shard.js';
import type { LeaseOrder } from '../pool/pool-driver.js';
import type { ProtocolErrorCode } from '../protocol/errors.js';
import type { Gradient } from '../protocol/messages.js';
import { invalidResultPayload, invalidTensorPayload, scoreBytes } from '../protocol/payload.js';
import { partsOf } from '../protocol/tensor.js';
import type { LateCopy } from './audits.js';

export interface Fault {
  readonly code: ProtocolErrorCode;
  readonly detail: string;
}

export class LeasedShard {
  /** Not null when another member was first: then its sum is only compared. */
  late: LateCopy | null = null;
  /** Where the parts of the gradient are put; null before the first. */
  private sum: Pointer | null = null;
  private parts = 0;

  constructor(
    private readonly machine: Machine,
    readonly order: LeaseOrder,
  ) {}

  /** A part of the gradient is put in its place as it comes. */
  storePart(message: Gradient, payload: Uint8Array): Fault | null {
    const { machine } = this;
    if (!this.isGradient || message.part !== this.parts) {
      return { code: 'unexpected-message', detail: `part ${message.part} of the gradient of lease ${message.lease}` };
    }
    const fault = invalidTensorPayload(message, payload, machine.workspace.context);
    if (fault !== null) return { code: 'payload-length', detail: fault };
    this.sum ??= machine.buffers.take();
    this.parts += 1;
    machine.unpackPart(message.part, machine.workspace.parameters, this.sum, payload, 'zero');
    return null;
  }

  /** What is wrong with a result at this point, or with its payload. */
  invalidResult(payload: Uint8Array): Fault | null {
    const { parameters, context } = this.machine.workspace;
    const { work } = this.order.task;
    if (this.isGradient && this.parts < partsOf(parameters)) {
      return { code: 'unexpected-message', detail: `result after ${this.parts} parts of a gradient` };
    }
    const fault = invalidResultPayload(payload, { work, samples: this.samples }, context);
    return fault === null ? null : { code: 'payload-length', detail: fault };
  }

  /** The sum with a valid result's score in its place. The buffer is the caller's from now on. */
  takeSum(result: Uint8Array): Pointer {
    const { machine } = this;
    const sum = this.sum ?? machine.buffers.take();
    this.sum = null;
    const scoreAt = this.isGradient ? machine.workspace.parameters : 0;
    machine.store(result.subarray(0, scoreBytes), sum + 4 * scoreAt);
    return sum;
  }

  /** Predictions of an evaluation go to their place in the workspace. */
  storePredictions(result: Uint8Array): void {
    if (this.isGradient) return;
    const at = this.machine.workspace.predictions + this.order.shard.lo * evaluationRows;
    this.machine.bytes(at, this.samples).set(result.subarray(scoreBytes));
  }

  /** Gives back what was received. */
  release(): void {
    if (this.sum !== null) this.machine.buffers.giveBack(this.sum);
    this.sum = null;
  }

  private get isGradient(): boolean {
    return this.order.task.work === 'gradient';
  }

  /** Of an evaluation. */
  private get samples(): number {
    return shardSamples(this.order.shard, this.machine.workspace.run.test, evaluationRows);
  }
}
