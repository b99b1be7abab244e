/**
 * Computes the right answers of a worker by the specification (E1 to E4), in one memory, on one thread, with the scalar
 * backend.
 *
 * What this is not: a machine. It has no pool and no threads, and is only fast enough for runs of some ten thousand
 * parameters.
 */
import type { KernelBackend, KernelMemory } from '../../shared/arithmetic/backend.js';
import { openScalar } from '../../shared/arithmetic/scalar/backend.js';
import { assert } from '../../shared/assert.js';
import { Computer } from '../../shared/compute/computer.js';
import { type LooseSamples, storeSamples } from '../../shared/compute/samples.js';
import { Tensors } from '../../shared/compute/tensors.js';
import { layOutWorkspace, type RunDescription, type Workspace } from '../../shared/compute/workspace.js';
import type { EvaluationSet, SampleSet } from '../../shared/data/dataset.js';
import type { SampleOrder, SlotOrder } from '../../shared/data/order.js';
import type { Coding } from '../../shared/model/coding.js';
import { initialWeights } from '../../shared/model/initialise.js';
import { transposeWeights } from '../../shared/model/network.js';
import { updateAll } from '../../shared/optimizer/update.js';
import { type Shard, shardEnd } from '../../shared/pool/tree.js';
import { partAt, partRoomBytes, partsOf } from '../../shared/protocol/tensor.js';
import { scoreFloats, type WorkName } from '../../shared/work/kinds.js';
import { type Orders, orderOf, ordersOf, shardSamples } from '../../shared/work/orders.js';

/** Identifies a step by its place in the order of the samples. */
export interface StepPlace {
  readonly epoch: number;
  readonly stepInEpoch: number;
}

export interface Evaluation {
  /** The loss sum and the count of correct predictions. */
  readonly sums: Float32Array;
  readonly predictions: Uint8Array;
}

export class Oracle {
  readonly workspace: Workspace;
  private readonly orders: Orders;
  readonly memory: KernelMemory;
  readonly tensors: Tensors;
  private readonly computer: Computer;
  /** The address of the space for one sum, which is after the workspace. */
  private readonly sumAt: number;

  /** Starts with the first weights of the run, and without samples. Every right backend gives the same answers. */
  constructor(
    readonly run: RunDescription,
    backend: KernelBackend = openScalar(),
  ) {
    this.workspace = layOutWorkspace(run, 1, backend.sizes);
    this.sumAt = this.workspace.end;
    const bytes = this.sumAt + 4 * this.workspace.partialFloats;
    this.memory = backend.createMemory(bytes, false);
    this.tensors = new Tensors(this.memory, this.workspace.mask);
    this.orders = ordersOf(run);
    this.computer = new Computer(this.memory, this.workspace, 0, this.orders);
    this.setWeights(initialWeights(run.model, run.seed));
  }

  /** The order of the training set. */
  get order(): SampleOrder {
    return this.orders.train;
  }

  /** The order that the slots of a kind of work follow. */
  orderOf(work: WorkName): SlotOrder {
    return orderOf(this.orders, { work });
  }

  /** The samples of a shard, slot after slot. */
  idsOf(work: WorkName, { epoch, stepInEpoch }: StepPlace, shard: Shard): number[] {
    const order = this.orderOf(work);
    const end = shardEnd(shard, order.slotsIn(stepInEpoch));
    const slots = Array.from({ length: end - shard.lo }, (_, i) => shard.lo + i);
    return slots.flatMap((slot) => [...order.slotIds(epoch, stepInEpoch, slot)]);
  }

  /** The weights, as a copy. */
  get weights(): Float32Array {
    return this.floats(this.workspace.weights, this.workspace.parameters).slice();
  }

  setWeights(weights: Float32Array): void {
    this.floats(this.workspace.weights, this.workspace.parameters).set(weights);
    const { chain, weights: at, transposed } = this.workspace;
    transposeWeights(this.memory.kernels, chain, at, transposed);
  }

  store(set: SampleSet, samples: LooseSamples): void {
    storeSamples(this, set, samples);
  }

  /** Computes a node of a step's tree: the gradient, the loss sum and the count of correct predictions. */
  gradient({ epoch, stepInEpoch }: StepPlace, shard: Shard): Float32Array {
    this.computer.compute({ work: 'gradient', epoch, stepInEpoch }, shard, this.sumAt);
    return this.floats(this.sumAt, this.workspace.partialFloats).slice();
  }

  evaluation(shard: Shard, set: EvaluationSet = 'test'): Evaluation {
    const work = set === 'test' ? 'evaluation' : 'validation';
    this.computer.compute({ work, epoch: 0, stepInEpoch: 0 }, shard, this.sumAt);
    const order = this.orders[set];
    const at = this.workspace.predictions + shard.lo * order.rows;
    const predictions = new Uint8Array(this.memory.buffer, at, shardSamples(shard, order, 0)).slice();
    return { sums: this.floats(this.sumAt, scoreFloats).slice(), predictions };
  }

  /** The numbers of a valid part of a gradient, with +0 where it leaves them out. `coding` is null if they are float32. */
  unpack(part: number, payload: Uint8Array, coding: Coding | null): Float32Array {
    const { tensors, workspace } = this;
    const { parameters, broadcast } = workspace;
    const [scratch] = broadcast;
    if (coding === null) tensors.unpackPart(part, parameters, scratch, payload, 'zero');
    else tensors.unpackCodes(part, parameters, scratch, payload, coding, 'store');
    const { first, count } = partAt(part, parameters);
    return this.floats(scratch + 4 * first, count).slice();
  }

  /**
   * Subtracts a change from the weights, as far as codes can say it. Returns the payloads that carry the change. The model
   * has no statistics.
   */
  change(wanted: Float32Array, coding: Coding): Uint8Array[] {
    const { tensors, workspace, memory, weights } = this;
    const { parameters, broadcast, statistics } = workspace;
    assert(statistics.length === 0, 'a change of weights with statistics');
    const [scratch] = broadcast;
    const change = this.floats(scratch, parameters);
    change.set(wanted);
    memory.kernels.quantise(scratch, parameters, coding.bits);
    this.setWeights(weights.map((x, i) => x - change[i]));
    return Array.from({ length: partsOf(parameters) }, (_, part) => {
      const payload = new Uint8Array(partRoomBytes(coding));
      return payload.subarray(0, tensors.packCodes(part, parameters, scratch, coding, payload));
    });
  }

  /** Number of slots of an evaluation. */
  get evaluationSlots(): number {
    return this.slotsOf('test');
  }

  slotsOf(set: EvaluationSet): number {
    return this.orders[set].slots;
  }

  /** Updates the weights with the root of a step's tree, divided by `terms` (E4). */
  update(root: Float32Array, terms: number, step: number): void {
    const { optimizer } = this.run;
    assert(optimizer !== undefined, 'the run has no optimizer');
    const { parameters, partialFloats } = this.workspace;
    this.floats(this.sumAt, partialFloats).set(root);
    const whole = { floats: parameters, sum: this.sumAt, terms, step };
    updateAll({ ...this.run, optimizer }, this.memory, this.workspace, whole, this.workspace.statistics);
    this.setWeights(this.weights);
  }

  private floats(at: number, length: number): Float32Array {
    return new Float32Array(this.memory.buffer, at, length);
  }
}
