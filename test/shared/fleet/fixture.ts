/** A coordinator's fleet without sockets, on a clock of its own, and workers that answer when the test says so. */

import { Machine } from '../../../shared/compute/machine.js';
import { storeSamples } from '../../../shared/compute/samples.js';
import type { RunDescription } from '../../../shared/compute/workspace.js';
import { Fleet } from '../../../shared/fleet/fleet.js';
import type { MemberConnection } from '../../../shared/fleet/member-connection.js';
import { RemoteMember } from '../../../shared/fleet/remote-member.js';
import type { Coding } from '../../../shared/model/coding.js';
import { rootShard } from '../../../shared/pool/tree.js';
import { decodeFromCoordinator, encodeFrame } from '../../../shared/protocol/codec.js';
import {
  type FromCoordinator,
  type FromWorker,
  protocolVersion,
  type ShardLease,
  type WeightsMessage,
} from '../../../shared/protocol/messages.js';
import { routeOf } from '../../../shared/protocol/route.js';
import { partBytesMax, partsOf, unpackPart } from '../../../shared/protocol/tensor.js';
import { Random } from '../../../shared/random.js';
import type { Task } from '../../../shared/work/task.js';
import { nodePlatform } from '../../../worker/node-platform.js';

const arithmetic = { specification: 'a-1', knownAnswer: 'b'.repeat(64) };

/** 8 slots a step. */
const run: RunDescription = {
  model: { input: [6], layers: [{ dense: 3, activation: 'linear' }], loss: 'softmaxCrossEntropy' },
  train: 64,
  test: 40,
  batch: 16,
  microBatch: 2,
  seed: 1,
};

export class TestFleet {
  nowMs = 1_000;
  /** What it takes to hand over a frame. At first, a turn of the event loop has time for all of them. */
  msPerFrame = 0;
  private handedOverMs = 0;
  private readonly turns: (() => void)[] = [];
  readonly machine: Machine;
  readonly fleet: Fleet;
  readonly log: string[] = [];
  readonly banned: string[] = [];
  /** The sum of each step that was completed. */
  readonly sums: number[][] = [];
  /** The weights of each step. */
  readonly history: number[][] = [];
  private step = 0;

  constructor(more: Partial<RunDescription> = {}) {
    const platform = { ...nodePlatform(), nowMs: () => this.nowMs };
    this.machine = new Machine(platform, { ...run, ...more }, 0);
    const { weights, parameters } = this.machine.workspace;
    const random = new Random(3);
    const ids = Uint32Array.from({ length: 64 }, (_, i) => i);
    const pixels = Uint8Array.from({ length: 64 * 6 }, () => random.below(256));
    storeSamples(this.machine, 'train', { ids, labels: new Uint8Array(64), pixels });
    for (let i = 0; i < parameters; i++) this.machine.floats(weights, parameters)[i] = random.uniform() - 0.5;
    this.machine.weightsChanged();
    const data = { name: 'd', shape: [6], classes: 3, train: 64, test: 40, sha256: 'c'.repeat(64) };
    const config = { version: '1', run: 'r', data, arithmetic, heartbeatMs: 1_000 };
    this.fleet = new Fleet(config, this.machine, { ...platform, ...this.turnsOfItsOwn() });
  }

  /** Ends the turn of the event loop. */
  turn(): void {
    for (const call of this.turns.splice(0)) call();
  }

  /** A clock that goes on with every look at it, and turns that end when the test says so. */
  private turnsOfItsOwn() {
    const nowMs = () => {
      this.handedOverMs += this.msPerFrame;
      return this.handedOverMs;
    };
    return { nowMs, defer: (call: () => void) => void this.turns.push(call) };
  }

  connect(name: string, address = '192.0.2.1'): TestWorker {
    return new TestWorker(this, name, address);
  }

  join(name: string, address?: string, device?: string): TestWorker {
    const worker = this.connect(name, address);
    const hello = {
      version: '1',
      name,
      ...(device === undefined ? {} : { device }),
      kind: 'node',
      threads: 1,
      arithmetic: arithmetic.specification,
      kernels: 'k',
    } as const;
    worker.send({ type: 'hello', protocol: protocolVersion, ...hello });
    worker.send({ type: 'ready', knownAnswer: arithmetic.knownAnswer });
    return worker;
  }

  /** Begins a step with other weights than the one before: those after its update, if the run has an optimizer. */
  begin(): void {
    const step = this.step++;
    const task: Task = { work: 'gradient', step, epoch: 0, stepInEpoch: 0 };
    const { weights, parameters, partialFloats, run } = this.machine.workspace;
    if (run.optimizer === undefined) {
      for (let i = 0; i < parameters; i++) this.machine.floats(weights, parameters)[i] += 0.01;
      this.machine.weightsChanged();
    }
    this.history.push(this.weights());
    this.machine.pool.run(task, rootShard(8), 8, (sum) => {
      this.sums.push([...this.machine.floats(sum, partialFloats)]);
      if (run.optimizer !== undefined) this.machine.update(sum, 16, step);
      this.machine.buffers.release(sum);
    });
  }

  /** Makes the weights of an earlier step the present ones. */
  restore(step: number): void {
    const { weights, parameters } = this.machine.workspace;
    this.machine.floats(weights, parameters).set(this.history[step]);
    this.machine.weightsChanged();
    this.step = step;
  }

  /** As they are now. */
  weights(): number[] {
    const { weights, parameters } = this.machine.workspace;
    return [...this.machine.floats(weights, parameters)];
  }

  evaluate(): void {
    const task: Task = { work: 'evaluation', step: this.step, epoch: 0, stepInEpoch: 0 };
    this.machine.pool.run(task, rootShard(1), 1, (sum) => this.machine.buffers.release(sum));
  }

  pass(ms: number, alive: readonly TestWorker[]): void {
    for (const endMs = this.nowMs + ms; this.nowMs < endMs; ) {
      this.nowMs += Math.min(50, endMs - this.nowMs);
      for (const worker of alive) worker.send({ type: 'pong', id: 0 });
      this.machine.pool.tick();
    }
  }
}

/** What a worker has computed of a shard, ready to be sent. */
export interface Computed {
  readonly shard: ShardLease;
  readonly frames: Uint8Array[];
}

export class TestWorker implements MemberConnection {
  queuedBytes = 0;
  readonly member: RemoteMember;
  readonly computed: Computed[] = [];
  readonly received: FromCoordinator[] = [];
  /** Each version that it was sent, whole. */
  readonly weights: number[][] = [];
  /** The same with their steps. */
  readonly held: { readonly step: number; readonly weights: number[] }[] = [];
  closeReason: string | null = null;

  constructor(
    private readonly site: TestFleet,
    readonly name: string,
    readonly address: string,
  ) {
    const observer = {
      joined: () => site.log.push(`${name} joined`),
      left: (_: unknown, error: string | null) => site.log.push(error === null ? `${name} left` : `${name} is out`),
      banned: (_: unknown, reason: string) => site.banned.push(`${name} at ${address}: ${reason}`),
      diverged: () => site.log.push('diverged'),
      countedWrong: (of: string, { step }: Task) => site.log.push(`${of} was wrong in step ${step}`),
    };
    this.member = new RemoteMember(site.fleet, this, observer, () => site.nowMs);
  }

  send(frame: FromWorker | Uint8Array, whenSent?: () => void): void {
    // As a connection, this is the coordinator's way to the worker; as a worker, the way back.
    if (!(frame instanceof Uint8Array)) return this.member.receive(encodeFrame(frame));
    whenSent?.();
    const decoded = decodeFromCoordinator(frame);
    if (!('message' in decoded)) throw new Error(decoded.error.message);
    this.received.push(decoded.message);
    if (decoded.message.type === 'shard') this.compute(decoded.message);
    if (decoded.message.type === 'weights') this.take(decoded.message, decoded.payload);
  }

  /** Weights of one part, upon those that it had. */
  private take({ step, base }: WeightsMessage, payload: Uint8Array): void {
    const weights = Float32Array.from(this.weights.at(-1) ?? this.site.weights());
    const { coding } = this.site.machine.workspace;
    if (base !== null && coding !== null) this.subtract(weights, payload, coding);
    else {
      const bytes = new Uint8Array(weights.buffer);
      unpackPart(payload, weights.length, { present: (first, some) => bytes.set(some, 4 * first), absent: () => {} });
    }
    this.weights.push([...weights]);
    this.held.push({ step, weights: [...weights] });
  }

  private subtract(weights: Float32Array, payload: Uint8Array, coding: Coding): void {
    const { machine } = this.site;
    const scratch = machine.buffers.acquire();
    machine.floats(scratch, weights.length).set(weights);
    machine.tensors.unpackCodes(0, weights.length, scratch, payload, coding, 'subtract');
    weights.set(machine.floats(scratch, weights.length));
    machine.buffers.release(scratch);
  }

  /** The base of each version that it was sent. */
  bases(): (number | null)[] {
    return this.received.flatMap((message) => (message.type === 'weights' ? [message.base] : []));
  }

  close(_closeCode: number, reason: string): void {
    this.closeReason = reason;
  }

  types(): string[] {
    return this.received.map(({ type }) => type);
  }

  /** Sends a shard's result: the oldest that it has. */
  answer(): Computed {
    const computed = this.computed.shift();
    if (computed === undefined) throw new Error(`${this.name} has nothing to answer`);
    this.deliver(computed);
    return computed;
  }

  deliver({ frames }: Computed): void {
    for (const frame of frames) this.member.receive(frame);
  }

  /** What it answers next is off by one bit in one place. */
  spoil(): void {
    const { frames } = this.computed[0];
    const [gradient] = frames;
    gradient[gradient.length - 1] ^= 1;
  }

  private compute(shard: ShardLease): void {
    const { machine } = this.site;
    const { lease, lo, size } = shard;
    const { parameters, context } = machine.workspace;
    const isGradient = shard.work === 'gradient';
    const slots = Math.min(size, 8 - lo);
    const { coding } = routeOf({ work: shard.work, slots }, context);
    const frames: Uint8Array[] = [];
    const sum = machine.buffers.acquire();
    for (let slot = 0; coding !== null && slot < slots; slot++) {
      machine.compute(shard, { lo: lo + slot, size: 1 }, sum);
      const payload = new Uint8Array(partBytesMax);
      const length = machine.tensors.packCodes(0, parameters, sum, coding, payload);
      frames.push(encodeFrame({ type: 'gradient', lease, part: slot }, payload.subarray(0, length)));
    }
    machine.compute(shard, { lo, size }, sum);
    for (let part = 0; coding === null && isGradient && part < partsOf(parameters); part++) {
      const payload = new Uint8Array(partBytesMax);
      const length = machine.tensors.packPart(part, parameters, sum, 0, payload);
      frames.push(encodeFrame({ type: 'gradient', lease, part }, payload.subarray(0, length)));
    }
    const scoreAt = isGradient ? sum + 4 * parameters : sum;
    const payload = isGradient ? [] : [new Uint8Array(40)];
    frames.push(encodeFrame({ type: 'result', lease, computeMs: 1 }, machine.bytes(scoreAt, 8), ...payload));
    machine.buffers.release(sum);
    this.computed.push({ shard, frames });
  }
}
