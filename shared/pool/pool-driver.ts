/**
 * Drives a pool: keeps the bytes of the sums that the pool only names, adds them as the pool says, and passes leases to
 * the members' transports.
 *
 * What this is not: it owns no socket, thread or timer. Their owners call its methods.
 */

import type { Kernels, Pointer } from '../arithmetic/kernels.js';
import { assert } from '../assert.js';
import { EffectQueue } from '../effects.js';
import type { Profile } from '../profile.js';
import { scoreFloats, sumFloats } from '../work/kinds.js';
import type { Task } from '../work/task.js';
import type { Member } from './member.js';
import type { PartialBuffers } from './partials.js';
import { Pool } from './pool.js';
import type { DropReason, Job, PoolEffect, PoolEvent } from './pool-events.js';
import { type Shard, shardKey } from './tree.js';

/** A shard on its way to a member. */
export interface LeaseOrder {
  readonly lease: number;
  readonly task: Task;
  readonly shard: Shard;
  /** Its result is not used. */
  readonly isProbe: boolean;
}

/** A shard that a member was too late with. */
export interface Overtaken {
  readonly lease: number;
  /** The member that was first. */
  readonly by: number;
  /** Its sum; only until the call returns. */
  readonly sum: Pointer;
}

/** How a member is reached. Calls return at once. Results arrive at the driver later. */
export interface Transport {
  /** The first call: the transport's member has this number now. It may get work before `join` returns. */
  joined(member: number): void;
  lease(order: LeaseOrder): void;
  /** The result is not needed any more. It may still come. */
  revoke(lease: number): void;
  /** Another member was first. If this one's result still comes, it can be compared with that one's. */
  overtaken(copy: Overtaken): void;
  /** Asks for a sign of life; only remote members are asked. */
  ping(): void;
  /** The pool has given the member up. */
  drop(reason: DropReason): void;
}

/** Takes over the buffer with a job's sum. The buffer must be released. */
export type WhenSummed = (sum: Pointer) => void;

interface RunningJob {
  readonly id: number;
  readonly task: Task;
  readonly sums: Map<number, Pointer>;
  readonly whenSummed: WhenSummed;
  readonly root: Shard;
}

export class PoolDriver {
  private readonly pool = new Pool();
  private readonly transports = new Map<number, Transport>();
  private readonly jobs: RunningJob[] = [];
  /** Results that wait for the pool's decision. It keeps or discards each one, in the order of arrival. */
  private readonly arrived: { readonly lease: number; readonly sum: Pointer }[] = [];
  private readonly effects = new EffectQueue<PoolEffect>((effect) => this.carryOut(effect));
  /** Floats of the longest sum without its score. */
  private readonly parameters: number;
  private nextMember = 1;
  private nextJob = 1;

  constructor(
    private readonly kernels: Kernels,
    readonly buffers: PartialBuffers,
    private readonly platform: { nowMs(): number; readonly profile: Profile },
    private readonly onStranded: (stranded: boolean) => void = () => {},
    /** The largest size of a shard that a member gets of such a task; undefined if there is no limit. */
    private readonly sizeMax: (task: Task) => number | undefined = () => undefined,
  ) {
    this.parameters = buffers.floats - scoreFloats;
  }

  get memberCount(): number {
    return this.pool.memberCount;
  }

  /** Whether a remote member has something to compute. */
  get remoteComputes(): boolean {
    return this.pool.remoteComputes;
  }

  memberStates(): Iterable<Readonly<Member>> {
    return this.pool.memberStates();
  }

  memberState(member: number): Readonly<Member> | undefined {
    return this.pool.memberState(member);
  }

  /** Returns a new number for a member. A remote member is told its number before it joins. */
  newMember(): number {
    return this.nextMember++;
  }

  /** Adds a member under a number from `newMember`, and returns that number. */
  join(transport: Transport, remote: boolean, member = this.newMember()): number {
    this.transports.set(member, transport);
    transport.joined(member);
    this.send({ type: 'joined', member, remote, nowMs: this.platform.nowMs() });
    return member;
  }

  leave(member: number): void {
    if (!this.transports.delete(member)) return;
    this.send({ type: 'left', member, nowMs: this.platform.nowMs() });
  }

  /** Has a shard of a task with this many slots summed, and returns the job's number. For `stepsLeft`, see `Job`. */
  run(task: Task, shard: Shard, slots: number, whenSummed: WhenSummed, stepsLeft?: number): number {
    const job: Job = { id: this.nextJob++, work: task.work, shard, slots, sizeMax: this.sizeMax(task), stepsLeft };
    this.jobs.push({ id: job.id, task, sums: new Map(), whenSummed, root: shard });
    this.send({ type: 'job', job, nowMs: this.platform.nowMs() });
    return job.id;
  }

  cancel(job: number): void {
    this.send({ type: 'cancel', job, nowMs: this.platform.nowMs() });
  }

  /** A member's result lies in `sum`, a buffer that the driver takes over. The member says that it computed for `tookMs`. */
  result(member: number, lease: number, sum: Pointer, tookMs?: number): void {
    this.arrived.push({ lease, sum });
    this.send({ type: 'result', member, lease, nowMs: this.platform.nowMs(), tookMs });
  }

  heard(member: number): void {
    this.send({ type: 'heard', member, nowMs: this.platform.nowMs() });
  }

  tick(): void {
    this.send({ type: 'tick', nowMs: this.platform.nowMs() });
  }

  private send(event: PoolEvent): void {
    this.effects.push(this.pool.step(event));
  }

  private carryOut(effect: PoolEffect): void {
    switch (effect.type) {
      case 'lease':
        return this.lease(effect);
      case 'revoke':
        return this.transports.get(effect.member)?.revoke(effect.lease);
      case 'overtaken':
        return this.overtaken(effect.member, effect.lease, effect.by, this.running(effect.job), effect.shard);
      case 'keep':
        this.running(effect.job).sums.set(shardKey(effect.shard), this.removeArrived(effect.lease));
        return;
      case 'discard':
        return this.buffers.release(this.removeArrived(effect.lease));
      case 'combine':
        return this.combine(this.running(effect.job), effect.node, effect.left, effect.right);
      case 'complete':
        return this.complete(effect.job);
      case 'forget':
        return this.forget(effect.job);
      case 'ping':
        return this.transports.get(effect.member)?.ping();
      case 'drop':
        return this.drop(effect.member, effect.reason);
      case 'stranded':
      case 'manned':
        return this.onStranded(effect.type === 'stranded');
      default:
        effect satisfies never;
    }
  }

  /** The member may have left since the pool decided. */
  private lease({ member, lease, job, shard, isProbe }: PoolEffect & { type: 'lease' }): void {
    this.transports.get(member)?.lease({ lease, task: this.running(job.id).task, shard, isProbe });
  }

  private overtaken(member: number, lease: number, by: number, job: RunningJob, shard: Shard): void {
    const sum = job.sums.get(shardKey(shard));
    assert(sum !== undefined, 'lease', lease, 'was overtaken by a result that was not kept');
    this.transports.get(member)?.overtaken({ lease, by, sum });
  }

  private combine(job: RunningJob, node: Shard, left: Shard, right: Shard): void {
    const a = removeFrom(job.sums, shardKey(left));
    const b = removeFrom(job.sums, shardKey(right));
    this.platform.profile.enter('sum');
    this.kernels.add(a, b, a, sumFloats(job.task.work, this.parameters));
    this.platform.profile.leave();
    this.buffers.release(b);
    job.sums.set(shardKey(node), a);
  }

  private complete(id: number): void {
    const job = this.remove(id);
    job.whenSummed(removeFrom(job.sums, shardKey(job.root)));
  }

  private forget(id: number): void {
    for (const sum of this.remove(id).sums.values()) this.buffers.release(sum);
  }

  private drop(member: number, reason: DropReason): void {
    const transport = this.transports.get(member);
    this.transports.delete(member);
    transport?.drop(reason);
  }

  private running(id: number): RunningJob {
    const job = this.jobs.find((job) => job.id === id);
    assert(job !== undefined, 'job', id, 'is not running');
    return job;
  }

  private remove(id: number): RunningJob {
    const job = this.running(id);
    this.jobs.splice(this.jobs.indexOf(job), 1);
    return job;
  }

  private removeArrived(lease: number): Pointer {
    const result = this.arrived.shift();
    assert(result?.lease === lease, 'the result of lease', lease, 'is not the one to be judged');
    return result.sum;
  }
}

function removeFrom(map: Map<number, Pointer>, key: number): Pointer {
  const pointer = map.get(key);
  assert(pointer !== undefined, 'no sum under', key);
  map.delete(key);
  return pointer;
}
