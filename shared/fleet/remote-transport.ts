/**
 * The work of one member that is reached over a connection: its leases, its results, and the weights and samples that
 * it is sent for them.
 *
 * What this is not: it decides neither who is a member (admission.ts) nor what goes onto the wire when (outbox.ts).
 */
import type { Pointer } from '../arithmetic/kernels.js';
import { HeldSamples } from '../compute/held-samples.js';
import { limits } from '../limits.js';
import type { Member } from '../pool/member.js';
import type { LeaseOrder, Overtaken, Transport } from '../pool/pool-driver.js';
import type { DropReason } from '../pool/pool-events.js';
import type { Shard } from '../pool/tree.js';
import { encodeFrame } from '../protocol/codec.js';
import type { ProtocolErrorCode } from '../protocol/errors.js';
import type { FromCoordinator, Gradient, Pong, Progress, ResultMessage } from '../protocol/messages.js';
import { kinds, sumFloats } from '../work/kinds.js';
import type { Task } from '../work/task.js';
import type { Audited, LateCopy } from './audits.js';
import type { Fleet } from './fleet.js';
import { LeasedShard } from './leased-shard.js';
import type { Parcel, Recipient } from './outbox.js';

/** The messages of a member that say something about its work. */
export type WorkMessage = Gradient | ResultMessage | Pong;

/** Shards of a task that the member may be asked for. */
export interface Guess {
  readonly task: Task;
  readonly shards: readonly Shard[];
}

interface Ahead {
  readonly task: Task;
  readonly shard: Shard;
}

/** The member's connection, as its work sees it. */
export interface MemberLink extends Recipient {
  /** The member's number. */
  readonly id: number;
  readonly name: string;
  /** It is a member of the pool now. */
  joined(): void;
  /** The member is at fault. It is told its fault, and is out. */
  fail(code: ProtocolErrorCode, detail?: string): void;
  /** The member has computed something wrong. It is out, and is not admitted again. */
  expel(detail: string): void;
}

/** What a result can say about the whole run. */
export interface ResultObserver {
  /** A result was not finite, and our own recomputation is not finite either: training has diverged (E5). */
  diverged(task: Task): void;
  /** A recomputation says that a result was wrong which has been counted. */
  countedWrong(name: string, task: Task): void;
}

export class RemoteTransport implements Transport, Audited {
  copiesAgreed = 0;
  /** Number of shards whose results were used. */
  shards = 0;
  /** From the newest ping that was answered to its pong, by the pool's clock. */
  roundTripMs: number | null = null;
  /** Slots of training that it has summed, and that the fleet had when it joined. */
  private slots = 0;
  private fleetSlotsBefore = 0;
  private weightsStep: number | null = null;
  private pings = 0;
  /** The newest ping, until its pong comes. */
  private unansweredPing: number | null = null;
  /** Shards whose samples are sent when a ping is answered that followed what it was sent for now. */
  private ahead: readonly Ahead[] = [];
  private pingBeforeAhead = 0;
  private readonly leases = new Map<number, LeasedShard>();
  private readonly held: HeldSamples;

  constructor(
    private readonly fleet: Fleet,
    private readonly link: MemberLink,
    private readonly observer: ResultObserver,
  ) {
    const { orders, workspace } = fleet.machine;
    this.held = new HeldSamples(orders, workspace.run);
  }

  get name(): string {
    return this.link.name;
  }

  /** What the pool believes of it, while it is a member. */
  get belief(): Readonly<Member> | undefined {
    return this.fleet.machine.pool.memberState(this.link.id);
  }

  // ---- from the member ----

  receive(message: WorkMessage, payload: Uint8Array): void {
    switch (message.type) {
      case 'gradient':
        return this.gradient(message, payload);
      case 'result':
        return this.result(message, payload);
      case 'pong':
        return this.ponged(message.id);
      default:
        message satisfies never;
    }
  }

  /** Only the pong of the newest ping measures the round trip. */
  private ponged(id: number): void {
    if (id >= this.pingBeforeAhead) this.sendMissing();
    const { belief } = this;
    if (belief === undefined || id !== this.unansweredPing) return;
    this.unansweredPing = null;
    this.roundTripMs = belief.heardMs - belief.pingedMs;
  }

  /** A lease that it does not have may have ended while the part was on its way. */
  private gradient(message: Gradient, payload: Uint8Array): void {
    const fault = this.leases.get(message.lease)?.storePart(message, payload);
    if (fault) this.link.fail(fault.code, fault.detail);
  }

  private result({ lease, computeMs }: ResultMessage, payload: Uint8Array): void {
    const leased = this.leases.get(lease);
    if (leased === undefined) return;
    const fault = leased.invalidResult(payload);
    if (fault !== null) return this.link.fail(fault.code, fault.detail);
    const sum = leased.completeSum(payload);
    this.leases.delete(lease);
    if (leased.late !== null) return this.compare(leased.late, sum);
    if (!this.isFinite(leased.order, sum)) return this.judge(leased.order, sum);
    leased.storePredictions(payload);
    if (!leased.order.isProbe) this.count(leased.order);
    this.fleet.machine.pool.result(this.link.id, lease, sum, computeMs);
  }

  private isFinite({ task }: LeaseOrder, sum: Pointer): boolean {
    const { kernels, workspace } = this.fleet.machine;
    return kernels.allFinite(sum, sumFloats(task.work, workspace.parameters)) === 1;
  }

  /** The sum is not finite. A recomputation tells a faulty worker from a run that has diverged (E5). */
  private judge(order: LeaseOrder, sum: Pointer): void {
    const { machine, audits } = this.fleet;
    machine.buffers.release(sum);
    if (!audits.isFinite(order)) return this.observer.diverged(order.task);
    this.expel('it has a value that is not a finite number, which a recomputation does not');
  }

  /** Another member was first: the two copies must be the same. */
  private compare(late: LateCopy, sum: Pointer): void {
    const { firstIsRight, lateIsRight } = this.fleet.audits.compare(late, sum);
    this.fleet.machine.buffers.release(sum);
    const { first, order } = late;
    if (firstIsRight && lateIsRight) {
      this.copiesAgreed += 1;
      first.copiesAgreed += 1;
    }
    const detail = `a shard of step ${order.task.step}: a recomputation gives something else`;
    if (!lateIsRight) this.expel(detail);
    if (firstIsRight) return;
    first.expel(detail);
    this.observer.countedWrong(first.name, order.task);
  }

  private count(order: LeaseOrder): void {
    this.shards += 1;
    this.slots += this.fleet.counted(order);
  }

  // ---- from the pool and the audits ----

  joined(): void {
    this.fleet.members.set(this.link.id, this);
    this.fleetSlotsBefore = this.fleet.slots;
    this.link.joined();
  }

  lease(order: LeaseOrder): void {
    const { task, lease, shard } = order;
    this.leases.set(lease, new LeasedShard(this.fleet.machine, order));
    this.ahead = [];
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

  drop(reason: DropReason): void {
    if (reason === 'silent') this.link.fail('heartbeat-lost', 'no sign of life');
    else if (reason === 'no-progress') this.link.fail('no-progress');
    else this.link.fail('no-progress', `no result of a single slot in ${limits.firstResultMsMax / 1000} s`);
  }

  expel(detail: string): void {
    this.link.expel(detail);
  }

  // ---- from the owner of the fleet ----

  /** How the run goes, from where this member stands. */
  progress(): Progress {
    const { slots, testAccuracy } = this.fleet;
    const share = this.slots / Math.max(1, slots - this.fleetSlotsBefore);
    return { type: 'progress', share, spare: this.isSpare, testAccuracy };
  }

  /** Whether the training steps are made without it. */
  get isSpare(): boolean {
    return this.belief?.isSpare ?? false;
  }

  /**
   * Sends samples ahead of time, as soon as what was sent before has come: on a link that all members share, no member's
   * weights wait behind samples that others do not need yet. Of the guesses, the first one of which the member has not all
   * samples counts.
   */
  sendAhead(guesses: readonly Guess[]): void {
    const isMissing = ({ task, shard }: Ahead) => !this.held.holdsPartitions(task, shard);
    const missing = guesses.map(({ task, shards }) => shards.map((shard) => ({ task, shard })).filter(isMissing));
    this.ahead = missing.find(({ length }) => length > 0) ?? [];
    if (this.ahead.length === 0) return;
    this.pingBeforeAhead = ++this.pings;
    this.send({ type: 'ping', id: this.pings });
  }

  private sendMissing(): void {
    const { ahead } = this;
    this.ahead = [];
    for (const { task, shard } of ahead) this.sendSamples(task, shard);
  }

  /** Sends the samples of a shard that the member does not hold. */
  private sendSamples(task: Task, shard: Shard): void {
    this.fleet.outbox.send(this.link, this.missingSamples(task, shard));
  }

  /** The shards that it works on now, for guessing what it will need next. */
  *leased(): Iterable<LeaseOrder> {
    for (const { order, late } of this.leases.values()) if (late === null && !order.isProbe) yield order;
  }

  /** The member is out. Returns how many leases it had, without a probe. */
  release(): number {
    const all = [...this.leases];
    for (const [lease] of all) this.forget(lease);
    this.fleet.members.delete(this.link.id);
    return all.filter(([, { order }]) => !order.isProbe).length;
  }

  send(message: FromCoordinator): void {
    this.fleet.outbox.send(this.link, [{ bytes: encodeFrame(message), letGo: () => {} }]);
  }

  /** Reads which samples are missing when it is their turn: at the beginning of an epoch, that takes some time. */
  private *missingSamples(task: Task, shard: Shard): Iterable<Parcel> {
    yield* this.fleet.samples(kinds[task.work].set, this.held.claimMissing(task, shard));
  }

  /** Sends the weights after `step` updates, which the workspace has: for a shard, or ahead of the first one. */
  sendWeights(step: number): void {
    this.fleet.outbox.send(this.link, this.fleet.weights.frames(step, this.weightsStep));
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
}
