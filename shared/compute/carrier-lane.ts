/** The lane to a thread with a memory of its own: the machine's side of carrier.ts. */
import { assert } from '../assert.js';
import type { PartialBuffers } from '../pool/partials.js';
import type { Shard } from '../pool/tree.js';
import { samplesBytesMax } from '../protocol/payload.js';
import { kinds, sumFloats } from '../work/kinds.js';
import { type Orders, orderOf, shardSamples } from '../work/orders.js';
import type { Task } from '../work/task.js';
import type { CarriedAnswer, CarriedOrder } from './carrier.js';
import { HeldSamples } from './held-samples.js';
import { type Finished, Lane, type Placed } from './lanes.js';
import { packSamples, type SampleMemory } from './samples.js';

/** The source of the weights and samples that a lane carries, and the place for its sums. */
export interface Store extends SampleMemory {
  readonly buffers: PartialBuffers;
  readonly orders: Orders;
  /** Another number after each change of the weights. */
  readonly weightsVersion: number;
}

export class CarrierLane extends Lane {
  private readonly answers: CarriedAnswer[] = [];
  private readonly held: HeldSamples;
  /** `Store.weightsVersion` of the weights that the thread holds; null before it holds any. */
  private weightsVersion: number | null = null;
  /** Buffers that came back and are used again: for weights, and for sums. */
  private readonly weightsBuffers: ArrayBuffer[] = [];
  private readonly sumBuffers: ArrayBuffer[] = [];

  constructor(
    private readonly store: Store,
    private readonly post: (order: CarriedOrder) => void,
    private readonly wake: () => void,
  ) {
    super(store.buffers);
    this.held = new HeldSamples(store.orders, store.workspace.run);
  }

  get hasFinished(): boolean {
    return this.answers.length > 0;
  }

  override arrived(answer: CarriedAnswer): void {
    this.answers.push(answer);
    this.wake();
  }

  finished(): Finished | undefined {
    const answer = this.answers.shift();
    if (answer === undefined) return undefined;
    const placed = this.placed.shift();
    assert(placed !== undefined, 'a thread answered more than it was asked');
    if (answer.weights !== null) this.weightsBuffers.push(answer.weights);
    this.collect(placed, answer.sum);
    return { placed, tookMs: answer.tookMs };
  }

  protected begin({ order: { task, shard } }: Placed): void {
    const ids = this.held.claimMissing(task, shard);
    const samples = new Uint8Array(samplesBytesMax(ids.length, this.store.workspace.pixels));
    packSamples(this.store, kinds[task.work].set, ids, samples);
    this.post({
      kind: 'order',
      task,
      shard,
      weights: this.newWeights(),
      samples,
      count: ids.length,
      sum: this.sumBuffer(task, shard),
    });
  }

  private newWeights(): ArrayBuffer | null {
    const { memory, workspace, weightsVersion } = this.store;
    if (this.weightsVersion === weightsVersion) return null;
    this.weightsVersion = weightsVersion;
    const bytes = 4 * workspace.parameters;
    const buffer = this.weightsBuffers.pop() ?? new ArrayBuffer(bytes);
    new Uint8Array(buffer).set(new Uint8Array(memory.buffer, workspace.weights, bytes));
    return buffer;
  }

  /** Room for the sum, and for the predictions behind it. Only buffers with nothing behind the sum are used again. */
  private sumBuffer(task: Task, shard: Shard): ArrayBuffer {
    const bytes = this.sumBytes(task);
    if (kinds[task.work].predicts) {
      return new ArrayBuffer(bytes + shardSamples(shard, orderOf(this.store.orders, task), task.stepInEpoch));
    }
    const spare = this.sumBuffers.findIndex(({ byteLength }) => byteLength === bytes);
    return spare < 0 ? new ArrayBuffer(bytes) : this.sumBuffers.splice(spare, 1)[0];
  }

  private sumBytes({ work }: Task): number {
    return 4 * sumFloats(work, this.store.workspace.parameters);
  }

  private collect({ order: { task, shard }, out }: Placed, sum: ArrayBuffer): void {
    const { memory, workspace, orders } = this.store;
    const place = (bytes: Uint8Array, at: number) => new Uint8Array(memory.buffer, at, bytes.length).set(bytes);
    const bytes = this.sumBytes(task);
    place(new Uint8Array(sum, 0, bytes), out);
    if (kinds[task.work].predicts) {
      place(new Uint8Array(sum, bytes), workspace.predictions + shard.lo * orderOf(orders, task).rows);
    } else {
      this.sumBuffers.push(sum);
    }
  }
}
