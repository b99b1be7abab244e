/**
 * A worker's part in one run: the machine that computes for it. Everything from the wire is checked against the run
 * before it is stored or computed. A fault is returned as a sentence; then nothing has changed.
 */

import type { Pointer } from '../shared/arithmetic/kernels.js';
import { Machine, networkSpins } from '../shared/compute/machine.js';
import type { Platform } from '../shared/compute/platform.js';
import { storeSamples } from '../shared/compute/samples.js';
import { runOf } from '../shared/compute/welcome-run.js';
import { isShard, type Shard, shardEnd } from '../shared/pool/tree.js';
import { TreeSum } from '../shared/pool/tree-sum.js';
import type { SamplesMessage, ShardLease, WeightsMessage, Welcome } from '../shared/protocol/messages.js';
import { invalidSamplesPayload, invalidWeightsPayload, samplesIn, scoreBytes } from '../shared/protocol/payload.js';
import { routeOf, type SumRoute } from '../shared/protocol/route.js';
import { partRoomBytes, partsOf } from '../shared/protocol/tensor.js';
import { kinds, scoreFloats, tensorFloats } from '../shared/work/kinds.js';
import { orderOf, shardSamples } from '../shared/work/orders.js';
import type { Task } from '../shared/work/task.js';
import { LeasedSums } from './leased-sums.js';

/** Parts of a shard's gradient that can be sent now. They are valid until the function that receives them returns. */
export interface GradientParts {
  /** The parts `first` .. `end - 1`: none if the sum is nothing but a score. */
  readonly first: number;
  readonly end: number;
  /** The most bytes of a part. */
  readonly partRoomBytes: number;
  /** Writes the payload of a part, and returns its length. */
  readonly packPart: (part: number, payload: Uint8Array) => number;
}

/** The result of a shard. It is valid until the function that receives it returns. */
export interface Answer {
  /** The payload of the result. */
  readonly result: readonly Uint8Array[];
  /** Samples that the weights learn from by it: 0 for work that does not train. */
  readonly samples: number;
}

/** Hears the answer to a shard, piece by piece. */
export interface AnswerObserver {
  /**
   * The next tensor of the answer is computed: the sum of the shard, or the result of a slot while other slots are still
   * computed.
   */
  gradient(parts: GradientParts): void;
  /** The last call: all is computed. */
  result(answer: Answer): void;
}

/** In place of a lease: no lease has this number. */
const rehearsal = -1;

export class Assignment {
  /** The shards that are computed, by their leases. */
  private readonly shards = new Map<number, LeasedSums>();

  private constructor(
    private readonly machine: Machine,
    private readonly identity: string,
    /** SHA-256, hex, of what this machine's kernels make of the known-answer test. */
    readonly knownAnswer: string,
  ) {}

  /** Builds and starts a machine for a welcome, which has been validated. */
  static async start(
    platform: Platform,
    welcome: Welcome,
    threads: number,
    whenFailed: (error: Error) => void,
  ): Promise<Assignment> {
    const machine = new Machine(platform, runOf(welcome), threads, { threadSpins: networkSpins });
    await machine.start(whenFailed);
    const answer = machine.proveArithmetic();
    return new Assignment(machine, identityOf(welcome), answer);
  }

  /** True when this machine was built for the same run, and can go on with it. */
  fits(welcome: Welcome): boolean {
    return identityOf(welcome) === this.identity;
  }

  storeWeights(message: WeightsMessage, payload: Uint8Array): string | null {
    const { machine } = this;
    const { weights, parameters, context, coding } = machine.workspace;
    const { base, part } = message;
    const fault = invalidWeightsPayload(message, payload, context);
    if (fault !== null) return fault;
    if (base === null || coding === null) machine.tensors.unpackPart(part, parameters, weights, payload, 'as it was');
    else machine.tensors.unpackCodes(part, parameters, weights, payload, coding, 'subtract');
    if (message.part + 1 === partsOf(parameters)) machine.weightsChanged();
    return null;
  }

  storeSamples(message: SamplesMessage, payload: Uint8Array): string | null {
    const { context, pixels } = this.machine.workspace;
    const fault = invalidSamplesPayload(message, payload, context);
    if (fault !== null) return fault;
    storeSamples(this.machine, message.set, samplesIn(payload, message.count, pixels));
    return null;
  }

  /** Has a shard summed by the machine's threads, or each of its slots alone. */
  compute(lease: ShardLease, observer: AnswerObserver): string | null {
    const { work, step, epoch, stepInEpoch, lo, size } = lease;
    const task: Task = { work, step, epoch, stepInEpoch };
    const shard: Shard = { lo, size };
    const order = orderOf(this.machine.orders, task);
    if (stepInEpoch >= order.stepsPerEpoch) return `step ${stepInEpoch} of an epoch`;
    const slots = order.slotsIn(stepInEpoch);
    if (!isShard(shard, slots)) return `no shard ${lo}+${size} among ${slots} slots`;
    const count = shardEnd(shard, slots) - lo;
    const route = routeOf({ work, slots: count }, this.machine.workspace.context);
    const shards = route.coding === null ? [shard] : Array.from({ length: count }, (_, i) => ({ lo: lo + i, size: 1 }));
    const sums = new LeasedSums(this.machine, shards.length, {
      next: (sum, n) => observer.gradient(this.gradientOf(task, route, sum, n)),
      all: (sums) => {
        this.shards.delete(lease.lease);
        observer.result(this.answerOf(task, shard, sums));
      },
    });
    this.shards.set(lease.lease, sums);
    sums.begin(shards.map((each) => (whenSummed) => this.machine.pool.run(task, each, slots, whenSummed)));
    return null;
  }

  /** Computes a slot for nobody, so that the first one that counts finds warm code. */
  rehearse(): void {
    const place = { work: 'gradient', step: 0, epoch: 0, stepInEpoch: 0, lo: 0, size: 1 } as const;
    this.compute({ type: 'shard', lease: rehearsal, ...place }, { gradient: () => {}, result: () => {} });
  }

  get isComputing(): boolean {
    return this.shards.size > 0;
  }

  cancel(lease: number): void {
    this.shards.get(lease)?.cancel();
    this.shards.delete(lease);
  }

  cancelAll(): void {
    for (const lease of [...this.shards.keys()]) this.cancel(lease);
  }

  stop(): void {
    this.machine.stop();
  }

  /** The parts of tensor number `n` of an answer. `sum` has its numbers. */
  private gradientOf(task: Task, { coding, partsOfTensor }: SumRoute, sum: Pointer, n: number): GradientParts {
    const { tensors, workspace } = this.machine;
    const tensor = tensorFloats(task.work, workspace.parameters);
    const first = n * partsOfTensor;
    const packPart = (part: number, payload: Uint8Array) =>
      coding === null
        ? tensors.packPart(part - first, tensor, sum, 0, payload)
        : tensors.packCodes(part - first, tensor, sum, coding, payload);
    return { first, end: first + partsOfTensor, partRoomBytes: partRoomBytes(workspace.coding), packPart };
  }

  private answerOf(task: Task, shard: Shard, sums: readonly Pointer[]): Answer {
    const { machine } = this;
    const { parameters, predictions } = machine.workspace;
    const { predicts, trains } = kinds[task.work];
    const order = orderOf(machine.orders, task);
    const samples = shardSamples(shard, order, task.stepInEpoch);
    const tensor = tensorFloats(task.work, parameters);
    const result = [machine.bytes(this.addScores(sums, tensor), scoreBytes)];
    if (predicts) result.push(machine.bytes(predictions + shard.lo * order.rows, samples));
    return { result, samples: trains ? samples : 0 };
  }

  /** The place of the shard's score: the scores behind the tensors of its slots, added along the tree. */
  private addScores(sums: readonly Pointer[], tensor: number): Pointer {
    const { kernels } = this.machine;
    const scores = new TreeSum<Pointer>((left, right) => kernels.add(left, right, left, scoreFloats));
    for (const sum of sums) scores.push(sum + 4 * tensor);
    return scores.finish();
  }
}

/** Everything that decides whether two welcomes are to the same run, so that its samples are still valid. */
function identityOf(welcome: Welcome): string {
  return JSON.stringify([welcome.run, welcome.data, runOf(welcome)]);
}
