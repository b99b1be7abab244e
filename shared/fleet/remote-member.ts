/**
 * The coordinator's end of one worker's connection: admits it, then is its transport in the pool.
 *
 * What this is not: it owns no socket. A connection is handed in that can send and close, so that the same code runs
 * over ws and over a simulated network.
 */

import type { Pointer } from '../arithmetic/kernels.js';
import { HeldSamples } from '../compute/held-samples.js';
import { limits } from '../limits.js';
import type { Member } from '../pool/member.js';
import type { LeaseOrder, Overtaken, Transport } from '../pool/pool-driver.js';
import { type Shard, shardEnd } from '../pool/tree.js';
import { decodeFromWorker, encodeFrame } from '../protocol/codec.js';
import { type ProtocolErrorCode, protocolError } from '../protocol/errors.js';
import {
  type EndReason,
  type FromCoordinator,
  type FromWorker,
  type Gradient,
  type Hello,
  type Progress,
  protocolVersion,
  type Result,
} from '../protocol/messages.js';
import { kinds, sumFloats } from '../work/kinds.js';
import { orderOf } from '../work/orders.js';
import type { Task } from '../work/task.js';
import type { Audited, LateCopy } from './audits.js';
import type { Fleet } from './fleet.js';
import { LeasedShard } from './leased-shard.js';
import type { MemberConnection } from './member-connection.js';
import type { Parcel, Recipient } from './outbox.js';

/** What the rest of the coordinator wants to hear of a member. */
export interface MemberObserver {
  joined(member: RemoteMember): void;
  /** It is out; `error` is the reason when it was not its own wish. */
  left(member: RemoteMember, error: string | null): void;
  /** Its result was not finite, and neither is what it should have been: training has diverged (E5). */
  diverged(task: Task): void;
  /** A recomputation says that a result was wrong which has been counted. */
  countedWrong(name: string, task: Task): void;
}

/** How long a connection may take to become a member, by what it waits for. */
const admissionMs = { greeting: limits.helloMsMax, preparing: limits.prepareMsMax };
/** Time without a tick that is longer is our own standstill: it counts against nobody. */
const tickMsMax = 1_000;

type State = 'greeting' | 'preparing' | 'member' | 'closed';

export class RemoteMember implements Transport, Audited, Recipient {
  hello: Hello | null = null;
  audits = 0;
  /** Shards that it had when it left. */
  shardsLeft = 0;
  /** Shards whose results were of use. */
  shards = 0;
  /** Slots of training that it has summed, and that the fleet had when it joined. */
  private slots = 0;
  private fleetSlotsBefore = 0;
  /** From the newest ping that was answered to its pong, by the pool's clock. */
  roundTripMs: number | null = null;
  /** Its number among all members of the pool: the worker is told it, and the pool, the log and the audits use it. */
  readonly id: number;
  /** Whether the worker was ever admitted. */
  wasMember = false;
  private state: State = 'greeting';
  private weightsStep: number | null = null;
  private pings = 0;
  /** The newest ping, until its pong comes. */
  private unansweredPing: number | null = null;
  /** In its present state, while it is no member. */
  private waitedMs = 0;
  private readonly leases = new Map<number, LeasedShard>();
  private readonly held: HeldSamples;

  constructor(
    private readonly fleet: Fleet,
    private readonly connection: MemberConnection,
    private readonly observer: MemberObserver,
    private tickedMs: number,
  ) {
    const { orders, workspace } = fleet.machine;
    this.held = new HeldSamples(orders, workspace.run);
    this.id = fleet.machine.pool.newMember();
  }

  /** What the pool believes of it, while it is a member. */
  get belief(): Readonly<Member> | undefined {
    return this.fleet.machine.pool.memberState(this.id);
  }

  get name(): string {
    return this.hello?.name ?? `connection ${this.id}`;
  }

  // ---- from the connection ----

  /** A frame, which may be anything at all. */
  receive(frame: Uint8Array): void {
    if (this.state === 'closed') return;
    this.fleet.outbox.turnBegins();
    this.fleet.traffic.bytesReceived += frame.length;
    this.fleet.machine.profile.enter('receive');
    const decoded = decodeFromWorker(frame);
    if ('error' in decoded) this.fail(decoded.error.code, decoded.error.message);
    else this.handle(decoded.message, decoded.payload);
    this.fleet.machine.profile.leave();
  }

  /** The connection is gone. */
  disconnected(): void {
    this.depart(null);
  }

  /** To be called about once a second until it is a member. */
  tick(nowMs: number): void {
    this.waitedMs += Math.min(nowMs - this.tickedMs, tickMsMax);
    this.tickedMs = nowMs;
    if (this.state !== 'greeting' && this.state !== 'preparing') return;
    if (this.waitedMs > admissionMs[this.state]) this.fail('heartbeat-lost', `${this.state} took too long`);
  }

  /** The run is over, or the coordinator stops: what still waits for its turn is of no use any more. */
  end(reason: EndReason, again: boolean, message: string): void {
    if (this.state === 'closed') return;
    // What came of the run in the end, which no heartbeat would tell any more.
    if (this.state === 'member') this.connection.send(encodeFrame(this.progress()));
    this.connection.send(encodeFrame({ type: 'end', reason, again, message }));
    this.connection.close(1000, reason);
    this.depart(null);
  }

  private handle(message: FromWorker, payload: Uint8Array): void {
    if (this.state === 'member') this.fleet.machine.pool.heard(this.id);
    switch (message.type) {
      case 'hello':
        return this.state === 'greeting' ? this.greet(message) : this.unexpected(message.type);
      case 'ready':
        return this.state === 'preparing' ? this.admit(message.knownAnswer) : this.unexpected(message.type);
      case 'gradient':
        return this.state === 'member' ? this.gradient(message, payload) : this.unexpected(message.type);
      case 'result':
        return this.state === 'member' ? this.result(message, payload) : this.unexpected(message.type);
      case 'pong':
        return this.ponged(message.id);
      case 'leave':
        return this.end('dropped', false, 'left as asked');
      case 'failure':
        return this.fail(message.code, message.message);
      default:
        message satisfies never;
    }
  }

  /** Every message is a sign of life; only the pong of the newest ping measures the round trip. */
  private ponged(id: number): void {
    const { belief } = this;
    if (belief === undefined || id !== this.unansweredPing) return;
    this.unansweredPing = null;
    this.roundTripMs = belief.heardMs - belief.pingedMs;
  }

  private greet(hello: Hello): void {
    this.hello = hello;
    const { kernels } = this.fleet.config;
    if (hello.protocol !== protocolVersion) return this.fail('version-mismatch', `${hello.version}`);
    if (hello.kernels !== kernels) {
      return this.fail('kernel-mismatch', `${hello.kernels.slice(0, 12)} is not ${kernels.slice(0, 12)}`);
    }
    this.state = 'preparing';
    this.waitedMs = 0;
    this.send(this.fleet.welcome(this.id));
  }

  private admit(knownAnswer: string): void {
    if (knownAnswer !== this.fleet.config.knownAnswer) return this.fail('known-answer-wrong');
    this.state = 'member';
    this.fleet.machine.pool.join(this, true, this.id);
  }

  /** For a lease that it does not have, nothing: the lease may have ended on the way. */
  private gradient(message: Gradient, payload: Uint8Array): void {
    const fault = this.leases.get(message.lease)?.storePart(message, payload);
    if (fault) this.fail(fault.code, fault.detail);
  }

  private result({ lease }: Result, payload: Uint8Array): void {
    const leased = this.leases.get(lease);
    if (leased === undefined) return;
    const fault = leased.invalidResult(payload);
    if (fault !== null) return this.fail(fault.code, fault.detail);
    const { order, late } = leased;
    const { machine, audits } = this.fleet;
    const sum = leased.takeSum(payload);
    this.leases.delete(lease);
    if (late !== null) return this.compare(late, sum);
    const floats = sumFloats(order.task.work, machine.workspace.parameters);
    if (machine.kernels.allFinite(sum, floats) === 1) {
      leased.storePredictions(payload);
      this.count(order);
      this.shards += 1;
      return machine.pool.result(this.id, lease, sum);
    }
    machine.buffers.giveBack(sum);
    // Computed again here, to tell a faulty worker from a run that has diverged (E5).
    if (audits.isFinite(order))
      this.expel('it has a value that is not a finite number, which a recomputation does not');
    else this.observer.diverged(order.task);
  }

  /** Another member was first: the two copies must be the same. */
  private compare(late: LateCopy, sum: Pointer): void {
    const { firstIsRight, lateIsRight } = this.fleet.audits.compare(late, sum);
    this.fleet.machine.buffers.giveBack(sum);
    const { first, order } = late;
    if (firstIsRight && lateIsRight) {
      this.audits += 1;
      first.audits += 1;
    }
    const detail = `a shard of step ${order.task.step}: a recomputation gives something else`;
    if (!lateIsRight) this.expel(detail);
    if (firstIsRight) return;
    first.expel(detail);
    this.observer.countedWrong(first.name, order.task);
  }

  private count({ task, shard }: LeaseOrder): void {
    if (!kinds[task.work].trains) return;
    const slots = shardEnd(shard, orderOf(this.fleet.machine.orders, task).slotsIn(task.stepInEpoch)) - shard.lo;
    this.slots += slots;
    this.fleet.slots += slots;
  }

  // ---- transport ----

  joined(): void {
    this.wasMember = true;
    this.fleet.members.set(this.id, this);
    this.fleetSlotsBefore = this.fleet.slots;
    this.observer.joined(this);
  }

  lease(order: LeaseOrder): void {
    const { task, lease, shard } = order;
    this.leases.set(lease, new LeasedShard(this.fleet.machine, order));
    if (this.weightsStep !== task.step) this.sendWeights(task.step);
    this.sendSamples(task, shard);
    const { work, step, epoch, stepInEpoch } = task;
    this.send({ type: 'shard', lease, work, step, epoch, stepInEpoch, lo: shard.lo, size: shard.size });
  }

  revoke(lease: number): void {
    if (this.forget(lease)) this.send({ type: 'cancel', lease });
  }

  overtaken({ lease, by, sum }: Overtaken): void {
    const leased = this.leases.get(lease);
    const first = this.fleet.members.get(by);
    if (leased === undefined) return;
    if (first === undefined) return this.revoke(lease);
    leased.late = this.fleet.audits.expect(leased.order, first, sum, () => this.forget(lease));
    this.send({ type: 'cancel', lease });
  }

  ping(): void {
    this.unansweredPing = ++this.pings;
    this.send({ type: 'ping', id: this.pings });
    this.send(this.progress());
  }

  drop(reason: 'silent' | 'no-progress'): void {
    if (reason === 'silent') this.fail('heartbeat-lost', 'no sign of life');
    else this.fail('no-progress');
  }

  /** Sends the samples of a shard that are not there yet: with the shard, or ahead of time. */
  sendSamples(task: Task, shard: Shard): void {
    this.fleet.outbox.send(this, this.missingSamples(task, shard));
  }

  /** The shards that it works on now, for guessing what it will need next. */
  *leased(): Iterable<LeaseOrder> {
    for (const { order, late } of this.leases.values()) if (late === null) yield order;
  }

  /** Looked for when it is their turn: at the beginning of an epoch, that takes some time. */
  private *missingSamples(task: Task, shard: Shard): Iterable<Parcel> {
    yield* this.fleet.samples(kinds[task.work].set, this.held.claimMissing(task, shard));
  }

  private progress(): Progress {
    const { slots, testAccuracy } = this.fleet;
    return { type: 'progress', share: this.slots / Math.max(1, slots - this.fleetSlotsBefore), testAccuracy };
  }

  private sendWeights(step: number): void {
    this.fleet.outbox.send(this, this.fleet.weights.frames(step, this.weightsStep));
    this.weightsStep = step;
  }

  /** False when it does not have the lease. */
  private forget(lease: number): boolean {
    const leased = this.leases.get(lease);
    if (leased === undefined) return false;
    leased.release();
    if (leased.late !== null) this.fleet.audits.forget(leased.late);
    return this.leases.delete(lease);
  }

  private send(message: FromCoordinator): void {
    this.fleet.outbox.send(this, [{ bytes: encodeFrame(message), letGo: () => {} }]);
  }

  // ---- from the outbox ----

  handOver(parcel: Parcel): void {
    if (this.state === 'closed') return parcel.letGo();
    const { bytes } = parcel;
    this.fleet.machine.profile.enter('send');
    this.connection.send(bytes, () => parcel.letGo());
    this.fleet.machine.profile.leave();
    this.fleet.traffic.bytesSent += bytes.length;
    if (this.connection.queuedBytes > this.fleet.queueBytesMax) {
      this.fail('slow-reader', `${this.connection.queuedBytes} bytes are waiting for it`);
    }
  }

  expel(detail: string): void {
    this.fail('bad-result', detail);
  }

  private unexpected(type: string): void {
    this.fail('unexpected-message', `${type} while ${this.state}`);
  }

  /** Says why, closes, and hands its shards to others. */
  private fail(code: ProtocolErrorCode, detail?: string): void {
    if (this.state === 'closed') return;
    const error = protocolError(code, detail);
    const message = error.message.slice(0, limits.messageLengthMax);
    this.connection.send(encodeFrame({ type: 'failure', code, message }));
    this.connection.close(error.closeCode, code);
    this.depart(message);
  }

  private depart(error: string | null): void {
    if (this.state === 'closed') return;
    const wasMember = this.state === 'member';
    this.state = 'closed';
    this.shardsLeft = this.leases.size;
    for (const lease of [...this.leases.keys()]) this.forget(lease);
    this.fleet.members.delete(this.id);
    if (wasMember) this.fleet.machine.pool.leave(this.id);
    if (wasMember || error !== null) this.observer.left(this, error);
  }
}
