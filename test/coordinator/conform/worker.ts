/** A worker without sockets. It answers at once, and can have faults. */
import { Oracle } from '../../../coordinator/conform/oracle.js';
import { Peer, type PeerSocket, type Timer } from '../../../coordinator/conform/peer.js';
import type { KernelBackend } from '../../../shared/arithmetic/backend.js';
import { arithmetic } from '../../../shared/arithmetic/identity.js';
import type { LooseSamples } from '../../../shared/compute/samples.js';
import { runOf } from '../../../shared/compute/welcome-run.js';
import type { Coding } from '../../../shared/model/coding.js';
import type { SlotRules } from '../../../shared/optimizer/update.js';
import { shardEnd } from '../../../shared/pool/tree.js';
import { decodeFromCoordinator, encodeFrame } from '../../../shared/protocol/codec.js';
import { protocolErrors } from '../../../shared/protocol/errors.js';
import {
  type FromCoordinator,
  type FromWorker,
  protocolVersion,
  type SamplesMessage,
  type ShardLease,
  type WeightsMessage,
  type Welcome,
} from '../../../shared/protocol/messages.js';
import { samplesIn } from '../../../shared/protocol/payload.js';
import { routeOf } from '../../../shared/protocol/route.js';
import { packPart, partAt, partBytesMax, partRoomBytes, partsOf, unpackPart } from '../../../shared/protocol/tensor.js';

/** Stands for the hash of the known answer. A worker without a fault sends it. */
export const rightAnswer = 'ab'.repeat(32);

export interface Faults {
  readonly backend?: KernelBackend;
  readonly arithmetic?: string;
  readonly knownAnswer?: string;
  /** Makes the answer to a shard from the right one. */
  readonly sum?: (worker: FaultyWorker, shard: ShardLease, right: Float32Array) => Float32Array;
  readonly predictions?: (right: Uint8Array) => Uint8Array;
  /** The worker ignores weights that come as changes. */
  readonly ignoresChanges?: boolean;
  /** The worker sets the blocks that a payload leaves out to zero. */
  readonly clearsLeftOut?: boolean;
  readonly ignoresSmoothing?: boolean;
  /** The worker makes its local steps by these rules instead. */
  readonly otherRounds?: Partial<SlotRules>;
  readonly ignoresUnknownFields?: boolean;
  readonly ignores?: FromCoordinator['type'];
  readonly pongId?: number;
  /** The worker sends the parts of a gradient from the last to the first. */
  readonly partsBackwards?: boolean;
  readonly closesNever?: boolean;
  readonly comesBack?: boolean;
  readonly comesBackAlways?: boolean;
}

/** Every timer fires after one turn of the event loop. In these tests, nothing happens later than that by itself. */
export const turnTimer: Timer = (_, call) => {
  const handle = setImmediate(call);
  return () => clearImmediate(handle);
};

export class FaultyWorker implements PeerSocket {
  readonly peer = new Peer(this, turnTimer);
  samples: LooseSamples = { ids: new Uint32Array(0), labels: new Uint8Array(0), pixels: new Uint8Array(0) };
  private oracle: Oracle | null = null;
  private isClosed = false;
  /** Whether the coordinator has told the worker to stay away. */
  isOver = false;

  constructor(readonly faults: Faults) {
    const kind = {
      version: '1',
      name: 'test',
      kind: 'test',
      threads: 1,
      arithmetic: faults.arithmetic ?? arithmetic.specification,
      kernels: 'test',
    };
    this.say({ type: 'hello', protocol: protocolVersion, ...kind });
  }

  /** Receives a frame from the coordinator. */
  send(frame: Uint8Array): void {
    const decoded = decodeFromCoordinator(frame);
    if ('message' in decoded) this.hear(decoded.message, decoded.payload);
    else if (!this.faults.ignoresUnknownFields) this.fail(decoded.error.code);
  }

  close(): void {
    if (!this.faults.closesNever) this.closed(1000);
  }

  private closed(code: number): void {
    if (!this.isClosed) this.peer.closed(code);
    this.isClosed = true;
  }

  private fail(code: keyof typeof protocolErrors): void {
    this.say({ type: 'failure', code, message: '' });
    this.closed(protocolErrors[code].closeCode);
  }

  private say(message: FromWorker, ...payload: Uint8Array[]): void {
    this.peer.received(encodeFrame(message, ...payload));
  }

  private hear(message: FromCoordinator, payload: Uint8Array): void {
    if (message.type === this.faults.ignores) return;
    if (message.type === 'welcome') this.begin(message);
    else if (message.type === 'weights') this.takeWeights(message, payload);
    else if (message.type === 'samples') this.store(message, payload.slice());
    else if (message.type === 'shard') this.compute(message);
    else if (message.type === 'end') this.isOver = !message.again && !this.faults.comesBackAlways;
    else if (message.type === 'ping') this.say({ type: 'pong', id: this.faults.pongId ?? message.id });
  }

  private begin(welcome: Welcome): void {
    const run = runOf(welcome);
    const smoothing = this.faults.ignoresSmoothing ? 0 : run.smoothing;
    const rounds = run.rounds && { ...run.rounds, ...this.faults.otherRounds };
    this.oracle = new Oracle({ ...run, smoothing, rounds }, this.faults.backend);
    this.say({ type: 'ready', knownAnswer: this.faults.knownAnswer ?? rightAnswer });
  }

  private store({ set, count }: SamplesMessage, payload: Uint8Array): void {
    const some = samplesIn(payload, count, this.computes.workspace.pixels);
    this.computes.store(set, some);
    if (set === 'train')
      this.samples = {
        ids: joined(this.samples.ids, some.ids),
        labels: joined(this.samples.labels, some.labels),
        pixels: joined(this.samples.pixels, some.pixels),
      };
  }

  private takeWeights({ part, base }: WeightsMessage, payload: Uint8Array): void {
    if (base !== null && this.faults.ignoresChanges) return;
    const { weights, workspace } = this.computes;
    const { coding } = workspace;
    if (base !== null && coding !== null) {
      const { first } = partAt(part, weights.length);
      const change = this.computes.unpack(part, payload, coding);
      for (const [i, x] of change.entries()) weights[first + i] -= x;
      return this.computes.setWeights(weights);
    }
    const { first, count } = partAt(part, weights.length);
    const target = new Uint8Array(weights.buffer, 4 * first, 4 * count);
    unpackPart(payload, count, {
      present: (from, bytes) => target.set(bytes, 4 * from),
      absent: (from, end) => this.faults.clearsLeftOut && target.fill(0, 4 * from, 4 * end),
    });
    this.computes.setWeights(weights);
  }

  get computes(): Oracle {
    if (this.oracle === null) throw new Error('the worker was not welcomed');
    return this.oracle;
  }

  /** The right sum of each slot of a shard. */
  slots({ epoch, stepInEpoch, lo, size }: ShardLease): Float32Array[] {
    const end = shardEnd({ lo, size }, this.computes.order.slotsIn(stepInEpoch));
    return Array.from({ length: end - lo }, (_, i) =>
      this.computes.gradient({ epoch, stepInEpoch }, { lo: lo + i, size: 1 }),
    );
  }

  private compute(shard: ShardLease): void {
    const { lease } = shard;
    if (shard.work !== 'gradient') {
      const { sums, predictions } = this.computes.evaluation(
        shard,
        shard.work === 'evaluation' ? 'test' : 'validation',
      );
      const said = this.faults.predictions?.(predictions) ?? predictions;
      return this.say({ type: 'result', lease, computeMs: 0 }, new Uint8Array(sums.buffer), said);
    }
    const right = this.computes.gradient(shard, shard);
    const sum = this.faults.sum?.(this, shard, right) ?? right;
    const payloads = this.payloadsOf(shard, sum);
    const parts = [...payloads.keys()];
    if (this.faults.partsBackwards) parts.reverse();
    for (const part of parts) this.say({ type: 'gradient', lease, part }, payloads[part]);
    this.say({ type: 'result', lease, computeMs: 0 }, new Uint8Array(sum.buffer, 4 * (sum.length - 2)));
  }

  private payloadsOf(shard: ShardLease, sum: Float32Array): Uint8Array[] {
    const slots = this.slots(shard);
    const { coding } = routeOf({ work: shard.work, slots: slots.length }, this.computes.workspace.context);
    return coding === null ? floatPayloads(sum) : slots.flatMap((slot) => this.codedPayloads(slot, coding));
  }

  private codedPayloads(slot: Float32Array, coding: Coding): Uint8Array[] {
    const { tensors, workspace } = this.computes;
    const { parameters, broadcast } = workspace;
    tensors.floats(broadcast[0], parameters).set(slot.subarray(0, parameters));
    return Array.from({ length: partsOf(parameters) }, (_, part) => {
      const payload = new Uint8Array(partRoomBytes(coding));
      return payload.subarray(0, tensors.packCodes(part, parameters, broadcast[0], coding, payload));
    });
  }
}

function floatPayloads(sum: Float32Array): Uint8Array[] {
  const parameters = sum.length - 2;
  return Array.from({ length: partsOf(parameters) }, (_, part) => {
    const { first, count } = partAt(part, parameters);
    const payload = new Uint8Array(partBytesMax);
    return payload.subarray(0, packPart(new Uint8Array(sum.buffer, 4 * first, 4 * count), null, payload));
  });
}

function joined<T extends Uint8Array | Uint32Array>(a: T, b: T): T {
  const both = new (a.constructor as new (length: number) => T)(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
