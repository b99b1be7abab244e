/**
 * A compute thread with a memory of its own, for platforms that share no memory. A message carries a shard to the thread,
 * with what the thread needs for it, in buffers that change owners. Another message carries the sum back. The weights are
 * sent only when they have changed, and each sample only once.
 */

import type { KernelBackend, KernelMemory } from '../arithmetic/backend.js';
import type { Pointer } from '../arithmetic/kernels.js';
import { transposeWeights } from '../model/network.js';
import { PartialBuffers } from '../pool/partials.js';
import type { Shard } from '../pool/tree.js';
import { samplesIn } from '../protocol/payload.js';
import { kinds, sumFloats } from '../work/kinds.js';
import { type Orders, orderOf, ordersOf } from '../work/orders.js';
import { Computer } from './computer.js';
import type { ShardOrder } from './orders.js';
import { storeSamples } from './samples.js';
import { layOutWorkspace, type RunDescription, type Workspace } from './workspace.js';

/** To a thread: compute this shard. */
export interface CarriedOrder {
  readonly kind: 'order';
  readonly task: ShardOrder['task'];
  readonly shard: Shard;
  /** All weights, or null if they are the same as in the last order. */
  readonly weights: ArrayBuffer | null;
  /** The samples that the thread does not hold yet, encoded as for a network, and their number. */
  readonly samples: Uint8Array<ArrayBuffer>;
  readonly count: number;
  /** As long as the answer: the sum, and the predictions behind it if the kind of work predicts. */
  readonly sum: ArrayBuffer;
}

/** From a thread, one for each order and in the same sequence: the order's buffers come back, the sum filled in. */
export interface CarriedAnswer {
  readonly kind: 'answer';
  readonly weights: ArrayBuffer | null;
  readonly sum: ArrayBuffer;
  /** How long the thread computed, in milliseconds. */
  readonly tookMs: number;
}

/** The buffers of a message that change owners. */
export function buffersOf({ weights, sum }: CarriedOrder | CarriedAnswer): ArrayBuffer[] {
  return weights === null ? [sum] : [weights, sum];
}

/** The thread's side. */
export class CarriedComputer {
  private readonly memory: KernelMemory;
  private readonly workspace: Workspace;
  private readonly computer: Computer;
  private readonly out: Pointer;
  private readonly orders: Orders;

  constructor(
    backend: KernelBackend,
    run: RunDescription,
    private readonly nowMs: () => number,
  ) {
    this.workspace = layOutWorkspace(run, 1, backend.sizes);
    this.orders = ordersOf(run);
    const { end, partialFloats } = this.workspace;
    this.memory = backend.createMemory(end, false);
    this.computer = new Computer(this.memory, this.workspace, 0, this.orders);
    this.out = new PartialBuffers(this.memory, end, partialFloats, 1).acquire();
  }

  answer({ task, shard, weights, samples, count, sum }: CarriedOrder): CarriedAnswer {
    const begunMs = this.nowMs();
    const { memory, workspace } = this;
    if (weights !== null) this.storeWeights(weights);
    storeSamples({ memory, workspace }, kinds[task.work].set, samplesIn(samples, count, workspace.pixels));
    this.computer.compute(task, shard, this.out);
    this.collect(task, shard, new Uint8Array(sum));
    return { kind: 'answer', weights, sum, tookMs: this.nowMs() - begunMs };
  }

  private collect(task: CarriedOrder['task'], shard: Shard, into: Uint8Array): void {
    const { buffer } = this.memory;
    const bytes = 4 * sumFloats(task.work, this.workspace.parameters);
    const predictions = this.workspace.predictions + shard.lo * orderOf(this.orders, task).rows;
    into.set(new Uint8Array(buffer, this.out, bytes));
    into.set(new Uint8Array(buffer, predictions, into.length - bytes), bytes);
  }

  private storeWeights(bytes: ArrayBuffer): void {
    const { weights, transposed, chain } = this.workspace;
    new Uint8Array(this.memory.buffer, weights, bytes.byteLength).set(new Uint8Array(bytes));
    transposeWeights(this.memory.kernels, chain, weights, transposed);
  }
}
