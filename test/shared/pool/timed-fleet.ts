/**
 * A fleet on paper whose members, processors and network take time. It runs training steps on a pool and tells how long
 * they take. Every member has a link of its own, and all links end at one that they share. Both carry a chunk at a time,
 * in turn for each member.
 */
import { Pool } from '../../../shared/pool/pool.js';
import type { Job, PoolEffect, PoolEvent } from '../../../shared/pool/pool-events.js';
import { rootShard, type Shard, shardEnd } from '../../../shared/pool/tree.js';
import { Random } from '../../../shared/random.js';
import { EventQueue } from '../../simulation/event-queue.js';

export interface TimedMember {
  /** Processor time for one slot. */
  readonly slotMs: number;
  /** Processor time for the messages of a task, half of it before the computation and half of it after. */
  readonly wireMs: number;
  readonly delayMs: number;
  /** Its own link, in each direction. */
  readonly bytesPerMs: number;
  /** It may compute for this part of every 100 ms, as fast as it can, and then stands still. */
  readonly quota?: number;
  /** Whether it returns the result of a shard, which is its first, second … one. By default, it returns all. */
  readonly returns?: (nth: number) => boolean;
}

export interface TimedRun {
  readonly slots: number;
  /** Bytes of the weights, and of a sum. */
  readonly modelBytes: number;
  /** Bytes of the samples of a slot. In the first epoch, every member is sent its samples. */
  readonly samplesBytes: number;
  readonly stepsPerEpoch: number;
  /** Steps that are planned; undefined if the pool is not told. */
  readonly steps?: number;
  /** The link that all share, in each direction. */
  readonly bytesPerMs: number;
  readonly seed: number;
}

const chunkBytes = 65_536;
const quotaPeriodMs = 100;
const tickMs = 100;
const updateMs = 0.2;
/** A processor's time for the same work varies by this fraction. */
const noise = 0.1;

interface Handed {
  readonly lease: number;
  readonly isProbe: boolean;
  readonly job: Job;
  readonly shard: Shard;
}

/** Carries chunks, one after the other, in turn for each of its users. */
class Link {
  private readonly queues = new Map<number, { bytes: number; then: () => void }[]>();
  private isBusy = false;

  constructor(
    private readonly world: Events,
    private readonly bytesPerMs: number,
  ) {}

  send(user: number, bytes: number, then: () => void): void {
    const queue = this.queues.get(user) ?? [];
    this.queues.set(user, queue);
    queue.push({ bytes, then });
    if (!this.isBusy) this.next();
  }

  private next(): void {
    const [first] = this.queues;
    this.isBusy = first !== undefined;
    if (first === undefined) return;
    const [user, queue] = first;
    const chunk = queue.shift();
    this.queues.delete(user);
    if (queue.length > 0) this.queues.set(user, queue);
    if (chunk === undefined) return;
    this.world.after(chunk.bytes / this.bytesPerMs, () => {
      chunk.then();
      this.next();
    });
  }
}

/** Events in the order of their times, and of their making. */
class Events {
  nowMs = 0;
  private readonly queue = new EventQueue<() => void>();

  after(ms: number, happen: () => void): void {
    this.queue.push(this.nowMs + Math.max(0, ms), happen);
  }

  next(): void {
    const first = this.queue.pop();
    if (first === undefined) throw new Error('nothing happens any more');
    this.nowMs = first.atMs;
    first.happen();
  }
}

/** A member's machine: it receives, computes and sends one thing after the other. */
class Machine {
  weightsStep = -1;
  readonly held = new Set<number>();
  readonly leases = new Map<number, Handed>();
  freeMs = 0;
  computed = 0;
  /** It is asleep until then: it computes nothing, and answers nothing. */
  wakesMs = 0;
  private readonly up: Link;
  private readonly down: Link;

  constructor(
    readonly id: number,
    readonly traits: TimedMember,
    private readonly fleet: TimedFleet,
    private readonly random: Random,
  ) {
    this.up = new Link(fleet.events, traits.bytesPerMs);
    this.down = new Link(fleet.events, traits.bytesPerMs);
  }

  /** Calls `then` when a message of this length has come from the coordinator. */
  receive(bytes: number, then: () => void): void {
    this.carry(bytes, this.fleet.down, this.down, then);
  }

  send(bytes: number, then: () => void): void {
    this.carry(bytes, this.up, this.fleet.up, then);
  }

  private carry(bytes: number, first: Link, second: Link, then: () => void): void {
    const { events } = this.fleet;
    for (let left = bytes; left > 0; left -= chunkBytes) {
      const chunk = Math.min(left, chunkBytes);
      const whenThere = left > chunkBytes ? () => {} : () => events.after(this.traits.delayMs, then);
      first.send(this.id, chunk, () => second.send(this.id, chunk, whenThere));
    }
  }

  /** Calls `then` with the time that it took when the processor has worked for `ms` milliseconds. */
  work(ms: number, then: (tookMs: number) => void): void {
    const { events } = this.fleet;
    const beginMs = Math.max(events.nowMs, this.freeMs, this.wakesMs);
    this.freeMs = this.endMs(beginMs, ms * (1 - noise + 2 * noise * this.random.uniform()));
    const tookMs = this.freeMs - beginMs;
    const done = () => (this.isAsleep ? events.after(this.wakesMs - events.nowMs, done) : then(tookMs));
    events.after(this.freeMs - events.nowMs, done);
  }

  get isAsleep(): boolean {
    return this.fleet.events.nowMs < this.wakesMs;
  }

  private spentMs = 0;
  private period = -1;

  private endMs(beginMs: number, ms: number): number {
    const { quota = 1 } = this.traits;
    if (quota === 1) return beginMs + ms;
    let atMs = beginMs;
    for (let left = ms; ; ) {
      const period = Math.floor(atMs / quotaPeriodMs + 1e-9);
      if (period !== this.period) [this.period, this.spentMs] = [period, 0];
      const spent = Math.min(left, quota * quotaPeriodMs - this.spentMs);
      this.spentMs += spent;
      left -= spent;
      atMs += spent;
      if (left <= 1e-9) return atMs;
      atMs = (period + 1) * quotaPeriodMs;
    }
  }
}

export class TimedFleet {
  readonly events = new Events();
  readonly pool = new Pool();
  readonly up: Link;
  readonly down: Link;
  /** When each step ended. */
  readonly ends: number[] = [];
  readonly dropped: { readonly member: number; readonly reason: string; readonly atMs: number }[] = [];
  /** Shards that each member was to compute for the run, without probes. */
  readonly given = new Map<number, number>();
  /** Who had a lease in each step, and when each member had its first result. */
  readonly parts: Set<number>[] = [];
  readonly firstResultMs = new Map<number, number>();
  private readonly machines = new Map<number, Machine>();
  /** Threads of the coordinator's machine: nothing has to be sent to them. */
  private readonly local = new Set<Machine>();
  private made = 0;
  private hasBegun = false;

  constructor(private readonly run: TimedRun) {
    this.up = new Link(this.events, run.bytesPerMs);
    this.down = new Link(this.events, run.bytesPerMs);
    this.tick();
  }

  join(traits: TimedMember, remote = true): number {
    this.made += 1;
    const machine = new Machine(this.made, traits, this, new Random(this.run.seed, this.made));
    this.machines.set(this.made, machine);
    if (!remote) this.local.add(machine);
    this.send({ type: 'joined', member: this.made, remote, nowMs: this.events.nowMs });
    return this.made;
  }

  sleep(member: number, ms: number): void {
    const machine = this.machines.get(member);
    if (machine !== undefined) machine.wakesMs = this.events.nowMs + ms;
  }

  isAsleep(member: number): boolean {
    return this.machines.get(member)?.isAsleep ?? false;
  }

  leave(member: number): void {
    this.machines.delete(member);
    this.send({ type: 'left', member, nowMs: this.events.nowMs });
  }

  /** Runs steps until this many have ended in all, or until a time. */
  train(steps: number, untilMs = Number.POSITIVE_INFINITY): void {
    if (!this.hasBegun) this.begin();
    while (this.ends.length < steps && this.events.nowMs < untilMs) this.events.next();
  }

  /** The mean time of the steps that ended after a time. */
  meanMs(fromMs: number): number {
    const ends = this.ends.filter((ms) => ms >= fromMs);
    return (ends[ends.length - 1] - ends[0]) / (ends.length - 1);
  }

  get working(): number {
    return [...this.pool.memberStates()].filter(({ isSpare }) => !isSpare).length;
  }

  private begin(): void {
    this.hasBegun = true;
    const { slots, steps } = this.run;
    const id = this.ends.length;
    const stepsLeft = steps === undefined ? undefined : steps - id - 1;
    this.parts.push(new Set());
    const job: Job = { id, work: 'gradient', shard: rootShard(slots), slots, stepsLeft };
    this.send({ type: 'job', job, nowMs: this.events.nowMs });
    for (const machine of this.machines.values()) this.sendAhead(machine, job);
  }

  /** While the members compute, each is sent the samples of the next step, as if it kept its slots. */
  private sendAhead(machine: Machine, job: Job): void {
    const next = { ...job, id: job.id + 1 };
    for (const handed of [...machine.leases.values()]) {
      const isOfStep = handed.job.id === job.id && !handed.isProbe;
      const bytes = isOfStep ? this.samplesFor(machine, { ...handed, job: next }) : 0;
      if (bytes > 0) machine.receive(bytes, () => {});
    }
  }

  private tick(): void {
    const { nowMs } = this.events;
    for (const [id, { isAsleep }] of this.machines) if (!isAsleep) this.send({ type: 'heard', member: id, nowMs });
    this.send({ type: 'tick', nowMs });
    this.events.after(tickMs, () => this.tick());
  }

  private send(event: PoolEvent): void {
    for (const effect of this.pool.step(event)) this.carryOut(effect);
  }

  private carryOut(effect: PoolEffect): void {
    if (effect.type === 'lease') this.lease(effect.member, effect);
    else if (effect.type === 'revoke' || effect.type === 'overtaken') {
      this.machines.get(effect.member)?.leases.delete(effect.lease);
    } else if (effect.type === 'drop') {
      this.dropped.push({ member: effect.member, reason: effect.reason, atMs: this.events.nowMs });
      this.machines.delete(effect.member);
    } else if (effect.type === 'complete') {
      this.ends.push(this.events.nowMs);
      this.events.after(updateMs, () => this.begin());
    }
  }

  private lease(id: number, handed: Handed): void {
    const machine = this.machines.get(id);
    if (machine === undefined) return;
    machine.leases.set(handed.lease, handed);
    this.parts[handed.job.id].add(id);
    if (!handed.isProbe) this.given.set(id, (this.given.get(id) ?? 0) + 1);
    if (this.local.has(machine)) return this.computeHere(machine, handed);
    const bytes = this.weightsFor(machine, handed.job.id) + this.samplesFor(machine, handed) + 100;
    machine.receive(bytes, () => this.arrived(machine, handed));
  }

  private computeHere(machine: Machine, { lease, shard }: Handed): void {
    const slots = shardEnd(shard, this.run.slots) - shard.lo;
    machine.work(machine.traits.slotMs * slots, (tookMs) => {
      if (!machine.leases.delete(lease)) return;
      this.send({ type: 'result', member: machine.id, lease, nowMs: this.events.nowMs, tookMs });
    });
  }

  private weightsFor(machine: Machine, step: number): number {
    if (machine.weightsStep === step) return 0;
    machine.weightsStep = step;
    return this.run.modelBytes;
  }

  private samplesFor(machine: Machine, { shard, job }: Handed): number {
    let missing = 0;
    const { slots, stepsPerEpoch, samplesBytes } = this.run;
    for (let slot = shard.lo; slot < shardEnd(shard, slots); slot++) {
      const key = slot * stepsPerEpoch + (job.id % stepsPerEpoch);
      if (!machine.held.has(key)) missing += 1;
      machine.held.add(key);
    }
    return missing * samplesBytes;
  }

  private arrived(machine: Machine, handed: Handed): void {
    const { slots } = this.run;
    const { slotMs, wireMs } = machine.traits;
    const isWanted = () => this.machines.has(machine.id) && machine.leases.has(handed.lease);
    machine.work(wireMs / 2, () => {
      if (!isWanted()) return;
      machine.work(slotMs * (shardEnd(handed.shard, slots) - handed.shard.lo), (tookMs) => {
        if (!isWanted()) return;
        machine.computed += 1;
        if (machine.traits.returns?.(machine.computed) === false) return;
        machine.work(wireMs / 2, () => machine.send(this.run.modelBytes, () => this.answer(machine, handed, tookMs)));
      });
    });
  }

  private answer(machine: Machine, { lease }: Handed, tookMs: number): void {
    if (!this.machines.has(machine.id) || !machine.leases.delete(lease)) return;
    if (!this.firstResultMs.has(machine.id)) this.firstResultMs.set(machine.id, this.events.nowMs);
    this.send({ type: 'result', member: machine.id, lease, nowMs: this.events.nowMs, tookMs });
  }
}
