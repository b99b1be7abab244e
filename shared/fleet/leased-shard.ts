/** A shard that is leased to a worker, and the part of its result that has come so far. */

import type { Pointer } from '../arithmetic/kernels.js';
import type { Machine } from '../compute/machine.js';
import type { LeaseOrder } from '../pool/pool-driver.js';
import { shardEnd } from '../pool/tree.js';
import { TreeSum } from '../pool/tree-sum.js';
import type { ProtocolErrorCode } from '../protocol/errors.js';
import type { Gradient } from '../protocol/messages.js';
import { invalidGradientPayload, invalidResultPayload, scoreBytes } from '../protocol/payload.js';
import { type LeasedWork, routeOf, type SumRoute } from '../protocol/route.js';
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
  /** The buffer for the parts of the tensor that is coming; null before its first part. */
  private coming: Pointer | null = null;
  /** The tensors that have come. */
  private readonly whole: TreeSum<Pointer>;
  private parts = 0;
  private readonly leased: LeasedWork;
  private readonly route: SumRoute;

  constructor(
    private readonly machine: Machine,
    readonly order: LeaseOrder,
  ) {
    this.leased = leasedWork(machine, order);
    this.route = routeOf(this.leased, machine.workspace.context);
    const { kernels, buffers, workspace } = machine;
    this.whole = new TreeSum((left, right) => {
      kernels.add(left, right, left, workspace.parameters);
      buffers.release(right);
    });
  }

  /** Puts a part of the gradient in its place. Returns what is wrong with it, or null. */
  storePart(message: Gradient, payload: Uint8Array): Fault | null {
    const { machine, route } = this;
    if (message.part !== this.parts || this.parts === route.parts) {
      return { code: 'unexpected-message', detail: `part ${message.part} of the gradient of lease ${message.lease}` };
    }
    const fault = invalidGradientPayload(message, payload, route, machine.workspace.context);
    if (fault !== null) return { code: 'payload-length', detail: fault };
    this.coming ??= machine.buffers.acquire();
    this.unpack(message.part % route.partsOfTensor, this.coming, payload);
    this.parts += 1;
    if (this.parts % route.partsOfTensor > 0) return null;
    this.whole.push(this.coming);
    this.coming = null;
    return null;
  }

  /** What is wrong with a result at this point or with its payload, or null. */
  invalidResult(payload: Uint8Array): Fault | null {
    if (this.parts < this.route.parts) {
      return { code: 'unexpected-message', detail: `result after ${this.parts} parts of a gradient` };
    }
    const fault = invalidResultPayload(payload, this.leased, this.machine.workspace.context);
    return fault === null ? null : { code: 'payload-length', detail: fault };
  }

  /** The sum, with a valid result's score in its place. The caller owns the buffer from now on. */
  completeSum(result: Uint8Array): Pointer {
    const { machine } = this;
    const sum = this.parts > 0 ? this.whole.finish() : machine.buffers.acquire();
    const tensor = tensorFloats(this.order.task.work, machine.workspace.parameters);
    machine.tensors.store(result.subarray(0, scoreBytes), sum + 4 * tensor);
    return sum;
  }

  /** Puts the predictions behind a valid result's score to their place in the workspace. */
  storePredictions(result: Uint8Array): void {
    const { task, shard } = this.order;
    if (!kinds[task.work].predicts) return;
    const at = this.machine.workspace.predictions + shard.lo * orderOf(this.machine.orders, task).rows;
    this.machine.bytes(at, this.leased.samples).set(result.subarray(scoreBytes));
  }

  /** Releases what was received. */
  release(): void {
    for (const at of this.held) this.machine.buffers.release(at);
    this.coming = null;
    this.whole.clear();
  }

  /** The buffers with what was received. */
  get held(): Pointer[] {
    return this.coming === null ? this.whole.pending : [...this.whole.pending, this.coming];
  }

  private unpack(part: number, at: Pointer, payload: Uint8Array): void {
    const { tensors, workspace } = this.machine;
    const { coding } = this.route;
    if (coding === null) tensors.unpackPart(part, workspace.parameters, at, payload, 'zero');
    else tensors.unpackCodes(part, workspace.parameters, at, payload, coding, 'store');
  }
}

function leasedWork({ orders }: Machine, { task, shard }: LeaseOrder): LeasedWork {
  const order = orderOf(orders, task);
  const slots = shardEnd(shard, order.slotsIn(task.stepInEpoch)) - shard.lo;
  return { work: task.work, samples: shardSamples(shard, order, task.stepInEpoch), slots };
}
