/** The machine's side of a thread with a memory of its own (carrier.ts), as a member of the machine's pool. */
import { assert } from '../assert.js';
import { evaluationRows, type SampleOrder } from '../data/order.js';
import { shardSamples } from '../model/shard.js';
import type { PartialBuffers } from '../pool/partials.js';
import type { Shard } from '../pool/tree.js';
import { samplesBytes, scoreBytes } from '../protocol/payload.js';
import type { Task } from '../work/task.js';
import type { CarriedAnswer, CarriedOrder } from './carrier.js';
import { HeldSamples } from './held-samples.js';
import { type Finished, Lane, type Placed } from './lanes.js';
import { packSamples, type SampleMemory, sampleSetOf } from './samples.js';

/** Where a lane takes from what it carries. */
export interface Store extends SampleMemory {
  readonly order: SampleOrder;
  /** Another one after each change of the weights. */
  readonly weightsVersion: number;
}

export class CarrierLane extends Lane {
  private readonly answers: CarriedAnswer[] = [];
  private readonly held: HeldSamples;
  /** Of the weights that the thread holds. */
  private weightsVersion: number | null = null;
  /** Buffers that came back: of weights, and of gradients. */
  private readonly weightsBuffers: ArrayBuffer[] = [];
  private readonly sumBuffers: ArrayBuffer[] = [];

  constructor(
    buffers: PartialBuffers,
    private readonly store: Store,
    private readonly post: (order: CarriedOrder) => void,
    private readonly wake: () => void,
  ) {
    super(buffers);
    const { train, test } = store.workspace.run;
    this.held = new HeldSamples(store.order, train, test);
  }

  get hasFinished(): boolean {
    return this.answers.length > 0;
  }

  arrived(answer: CarriedAnswer): void {
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
    const ids = this.held.takeMissing(task, shard);
    const samples = new Uint8Array(samplesBytes(ids.length, this.store.workspace.pixels));
    packSamples(this.store, sampleSetOf(task), ids, samples);
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

  private sumBuffer(task: Task, shard: Shard): ArrayBuffer {
    const { partialFloats, run } = this.store.workspace;
    return task.work === 'gradient'
      ? (this.sumBuffers.pop() ?? new ArrayBuffer(4 * partialFloats))
      : new ArrayBuffer(scoreBytes + shardSamples(shard, run.test, evaluationRows));
  }

  private collect({ order, out }: Placed, sum: ArrayBuffer): void {
    const { memory, workspace } = this.store;
    const place = (bytes: Uint8Array, at: number) => new Uint8Array(memory.buffer, at, bytes.length).set(bytes);
    if (order.task.work === 'gradient') {
      place(new Uint8Array(sum), out);
      this.sumBuffers.push(sum);
    } else {
      place(new Uint8Array(sum, 0, scoreBytes), out);
      place(new Uint8Array(sum, scoreBytes), workspace.predictions + order.shard.lo * evaluationRows);
    }
  }
}
