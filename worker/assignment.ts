/**
 * A worker's part in one run: the machine that computes for it. Everything from the wire is checked against the run
 * before it is stored or computed. A fault is returned as a sentence; then nothing has changed.
 */

import { Machine, networkSpins } from '../shared/compute/machine.js';
import type { Platform } from '../shared/compute/platform.js';
import { storeSamples } from '../shared/compute/samples.js';
import { runOf } from '../shared/compute/welcome-run.js';
import { isShard, type Shard } from '../shared/pool/tree.js';
import type { SamplesMessage, ShardLease, WeightsMessage, Welcome } from '../shared/protocol/messages.js';
import { invalidSamplesPayload, invalidTensorPayload, samplesIn, scoreBytes } from '../shared/protocol/payload.js';
import { partsOf } from '../shared/protocol/tensor.js';
import { kinds, tensorFloats } from '../shared/work/kinds.js';
import { orderOf, shardSamples } from '../shared/work/orders.js';
import type { Task } from '../shared/work/task.js';

/** The result of a shard. It is valid until the function that receives it returns. */
export interface Answer {
  /** Parts that the sum before its score travels in; 0 for a sum that is nothing but a score. */
  readonly parts: number;
  /** Writes the payload of a part, and returns its length. */
  readonly packPart: (part: number, payload: Uint8Array) => number;
  /** The payload of the result. */
  readonly result: readonly Uint8Array[];
  /** Samples that the weights learn from by it: 0 for work that does not train. */
  readonly samples: number;
}

export class Assignment {
  private readonly jobs = new Map<number, number>();

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
    const { weights, parameters, context } = machine.workspace;
    const fault = invalidTensorPayload(message, payload, context);
    if (fault !== null) return fault;
    machine.tensors.unpackPart(message.part, parameters, weights, payload, 'as it was');
    if (message.part + 1 === partsOf(parameters)) machine.weightsChanged();
    return null;
  }

  storeSamples(message: SamplesMessage, payload: Uint8Array): string | null {
    const fault = invalidSamplesPayload(message, payload, this.machine.workspace.context);
    if (fault !== null) return fault;
    storeSamples(this.machine, message.set, samplesIn(payload, message.count));
    return null;
  }

  /** Has a shard summed by the machine's threads. `answer` gets the result. */
  compute(lease: ShardLease, answer: (answer: Answer) => void): string | null {
    const { work, step, epoch, stepInEpoch, lo, size } = lease;
    const task: Task = { work, step, epoch, stepInEpoch };
    const shard: Shard = { lo, size };
    const order = orderOf(this.machine.orders, task);
    if (stepInEpoch >= order.stepsPerEpoch) return `step ${stepInEpoch} of an epoch`;
    const slots = order.slotsIn(stepInEpoch);
    if (!isShard(shard, slots)) return `no shard ${lo}+${size} among ${slots} slots`;
    const job = this.machine.pool.run(task, shard, slots, (sum) => {
      this.jobs.delete(lease.lease);
      answer(this.answerOf(task, shard, sum));
      this.machine.buffers.release(sum);
    });
    this.jobs.set(lease.lease, job);
    return null;
  }

  get isComputing(): boolean {
    return this.jobs.size > 0;
  }

  cancel(lease: number): void {
    const job = this.jobs.get(lease);
    if (job === undefined) return;
    this.jobs.delete(lease);
    this.machine.pool.cancel(job);
  }

  cancelAll(): void {
    for (const lease of [...this.jobs.keys()]) this.cancel(lease);
  }

  stop(): void {
    this.machine.stop();
  }

  private answerOf(task: Task, shard: Shard, sum: number): Answer {
    const { machine } = this;
    const { parameters, predictions } = machine.workspace;
    const { predicts, trains } = kinds[task.work];
    const order = orderOf(machine.orders, task);
    const samples = shardSamples(shard, order, task.stepInEpoch);
    const tensor = tensorFloats(task.work, parameters);
    const result = [machine.bytes(sum + 4 * tensor, scoreBytes)];
    if (predicts) result.push(machine.bytes(predictions + shard.lo * order.rows, samples));
    const packPart = (part: number, payload: Uint8Array) => machine.tensors.packPart(part, tensor, sum, 0, payload);
    return { parts: partsOf(tensor), packPart, result, samples: trains ? samples : 0 };
  }
}

/** Everything that decides whether two welcomes are to the same run, so that its samples are still valid. */
function identityOf({ run, model, data, batch, microBatch, seed, smoothing, augment, rounds }: Welcome): string {
  return JSON.stringify([run, model, data, batch, microBatch, seed, smoothing, augment, rounds]);
}
