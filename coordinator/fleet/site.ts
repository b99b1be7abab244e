/**
 * The site of a run with workers that connect: it admits them, reports who comes and goes, and lets them go. Threads of the
 * coordinator itself may compute beside them.
 */

import { arithmetic } from '../../shared/arithmetic/identity.js';
import type { Machine } from '../../shared/compute/machine.js';
import type { Platform } from '../../shared/compute/platform.js';
import { Deferred } from '../../shared/deferred.js';
import { LockstepError } from '../../shared/errors.js';
import { Fleet, type Traffic } from '../../shared/fleet/fleet.js';
import type { MemberConnection } from '../../shared/fleet/member-connection.js';
import { OwnThreads } from '../../shared/fleet/own-threads.js';
import { type MemberObserver, RemoteMember } from '../../shared/fleet/remote-member.js';
import type { Guess } from '../../shared/fleet/remote-transport.js';
import { limits } from '../../shared/limits.js';
import type { Cost } from '../../shared/pool/cost.js';
import { type Member, patience } from '../../shared/pool/member.js';
import type { End } from '../../shared/protocol/messages.js';
import { scoreBytes } from '../../shared/protocol/payload.js';
import { partBytesMax } from '../../shared/protocol/tensor.js';
import { printableOf } from '../../shared/text.js';
import { kinds, workNames } from '../../shared/work/kinds.js';
import { predictedMax } from '../../shared/work/orders.js';
import type { Task } from '../../shared/work/task.js';
import type { Clock } from '../run/clock.js';
import type { RunSetup } from '../run/setup.js';
import type { Farewell, Site, SiteRun } from '../run/site.js';
import { version } from '../version.js';
import type { WorkerState } from '../web/state.js';
import { evaluationTask, evenShares, taskAt } from './ahead.js';
import type { Entrance, Entrant } from './entrance.js';
import { type MeasuredMachine, type NetworkBound, NetworkWatch, type StepShape } from './network-bound.js';

export interface FleetSiteConfig {
  readonly entrance: Entrance;
  /** Training begins when this many workers have joined. 0: the coordinator's own threads begin at once. */
  readonly minWorkers: number;
  readonly platform: Platform;
  readonly clock: Clock;
  /** The event loop as the outbox sees it. Default: the platform's. */
  readonly turns?: Pick<Platform, 'nowMs' | 'defer'>;
}

/** How long workers have to read the last message before their sockets are cut. */
const farewellMs = 2_000;
const tickMs = 100;
const judgedEveryMs = 1_000;

const farewells: Record<Farewell, string> = {
  finished: 'the run is finished',
  interrupted: 'the run was interrupted',
  diverged: 'the run has diverged',
};

export class FleetSite implements Site, MemberObserver {
  /** Everyone who is connected, admitted or not. */
  readonly members = new Set<RemoteMember>();
  readonly traffic: Readonly<Traffic>;
  /** Null if the run does not wait for its network, or if it is not known yet. */
  networkBound: NetworkBound | null = null;
  /** Mean bytes of a training sample on its way to a worker. */
  readonly sampleBytes: number;
  /** By the number of the member. */
  private readonly atWork = new Map<number, AtWork>();
  private readonly fleet: Fleet;
  private readonly own: OwnThreads;
  private readonly startedAt: number;
  private readonly stopTicking: () => void;
  private closing: Promise<void> | null = null;
  private readonly enough = new Deferred<void>();
  private isWaiting = true;
  /** What each worker would evaluate, in the order of joining. Null if that has changed. */
  private evaluationShares: readonly Guess[] | null = null;
  private readonly networkWatch = new NetworkWatch();
  private judgedMs = 0;
  private hasWarnedOfNetwork = false;
  /** Whether the run computes nothing any more. Then the shards of a leaving worker are not given to others. */
  private isOver = false;

  constructor(
    private readonly config: FleetSiteConfig,
    private readonly run: SiteRun,
  ) {
    const { entrance, platform, clock, turns = platform } = config;
    const { setup, machine, name } = run;
    const { nowMs, defer } = turns;
    this.fleet = new Fleet(fleetConfig(setup, machine, name), machine, { ...platform, nowMs, defer });
    this.traffic = this.fleet.traffic;
    this.sampleBytes = this.fleet.sampleBytes();
    this.own = new OwnThreads(this.fleet);
    this.startedAt = clock.dateMs();
    const frameBytesMax = limits.headerBytesMax + Math.max(partBytesMax, scoreBytes + predictedMax(machine.orders));
    entrance.open(frameBytesMax, (connection) => this.admit(connection));
    this.stopTicking = clock.every(tickMs, () => this.tick());
  }

  async ready(): Promise<void> {
    const { emit, ending } = this.run;
    const { threads } = this;
    await this.own.start((error) => ending.failed(error));
    emit({ type: 'waiting', workersMin: this.config.minWorkers, threads });
    if (threads > this.run.setup.slots) this.warnOfSpares();
    ending.whenDecided(() => this.enough.resolve());
    this.lookIfEnough();
    await this.enough.promise;
    this.isWaiting = false;
  }

  private lookIfEnough(): void {
    if (this.workers >= this.config.minWorkers) this.enough.resolve();
  }

  private warnOfSpares(): void {
    const { workers, threads } = this;
    this.run.emit({
      type: 'warned',
      warning: { code: 'too-many-workers', workers, threads, slots: this.run.setup.slots },
    });
  }

  private watchNetwork(): void {
    const nowMs = this.config.platform.nowMs();
    if (nowMs - this.judgedMs < judgedEveryMs) return;
    this.judgedMs = nowMs;
    const bound = this.workers === 0 ? null : this.networkWatch.judge(nowMs, this.machines(), this.shape);
    this.networkBound = bound;
    if (bound === null || this.hasWarnedOfNetwork) return;
    this.hasWarnedOfNetwork = true;
    this.run.emit({ type: 'warned', warning: { code: 'network-bound', bound } });
  }

  private machines(): MeasuredMachine[] {
    const workers = Array.from(this.atWork.values(), ({ member: { name, transport } }) => ({
      name,
      slotMs: computingTimes([transport.belief]),
    }));
    return [{ name: this.own.name, slotMs: computingTimes(this.own.beliefs) }, ...workers];
  }

  private get shape(): StepShape {
    const { slots, config } = this.run.setup;
    const { rounds, wireBits = 32 } = config;
    return { slots, samples: this.run.machine.orders.train.samplesIn(0), localSteps: rounds?.steps ?? 1, wireBits };
  }

  private tick(): void {
    this.run.machine.pool.tick();
    for (const member of this.members) member.tick();
    this.watchNetwork();
  }

  private admit(connection: MemberConnection): Entrant {
    const member = new RemoteMember(this.fleet, connection, this, this.config.platform.nowMs);
    this.members.add(member);
    return {
      receive: (frame) => member.receive(frame),
      disconnected: () => {
        this.members.delete(member);
        member.disconnected();
      },
    };
  }

  get workers(): number {
    return this.atWork.size;
  }

  get threads(): number {
    return this.own.threads;
  }

  /** The coordinator's own threads, if it has any, and the `max` workers that joined first, as viewers see them. */
  workerStates(max: number): WorkerState[] {
    const { rows } = this.run.machine.orders.train;
    const { description } = this.config.platform.backend;
    const own = this.threads === 0 ? [] : [ownState(this.own, description, rows, this.startedAt)];
    const workers = Array.from(this.atWork.values()).slice(0, max);
    return [...own, ...workers.map((worker) => stateOf(worker, rows))];
  }

  /** Sends a worker away and does not admit it again. Returns false if no worker has this number. */
  drop(id: number): boolean {
    const worker = this.atWork.get(id);
    worker?.member.dismiss('the operator dropped this worker');
    return worker !== undefined;
  }

  joined(member: RemoteMember): void {
    const { emit, setup } = this.run;
    const { id, name, hello } = member;
    this.fleetChanged();
    this.atWork.set(id, { member, joinedAt: this.config.clock.dateMs() });
    const { threads = 0, kernels = '' } = hello ?? {};
    emit({ type: 'joined', member: id, worker: name, threads, kernels, workers: this.workers });
    if (this.isWaiting) this.prepare(member);
    this.lookIfEnough();
    if (this.workers + this.threads === setup.slots + 1) this.warnOfSpares();
  }

  /** A worker that has to wait for others gets the weights now, and the samples of its share. */
  private prepare({ transport }: RemoteMember): void {
    const { machine, firstStep } = this.run;
    const first = taskAt(firstStep, machine.orders.train.stepsPerEpoch);
    const members = this.threads + this.config.minWorkers;
    const share = evenShares(first, machine.orders, members)[this.threads + this.workers - 1];
    transport.sendWeights(firstStep);
    if (share !== undefined) transport.sendAhead([share]);
  }

  left({ id, name, wasMember, shardsLeft }: RemoteMember, reason: string | null): void {
    const { emit } = this.run;
    this.atWork.delete(id);
    if (wasMember) this.fleetChanged();
    emit({ type: 'left', member: id, worker: name, wasMember, reason, workers: this.workers });
    if (shardsLeft > 0 && !this.isOver) emit({ type: 're-leased', member: id, worker: name, shards: shardsLeft });
  }

  banned({ id, name, address }: RemoteMember, reason: string): void {
    this.run.emit({ type: 'banned', member: id, worker: name, address, reason });
  }

  diverged(): void {
    this.run.ending.diverged();
  }

  /** The weights are wrong from that step on, so training must not go on. */
  countedWrong(worker: string, { work, step }: Task): void {
    const { emit, ending } = this.run;
    if (!kinds[work].trains) return emit({ type: 'warned', warning: { code: 'evaluation-wrong', worker, step } });
    const sentence =
      `${worker} computed a wrong gradient in step ${step + 1}, and it was counted: the weights after it are not those ` +
      `of this configuration. Remove the checkpoints after step ${step}, then start again with --resume`;
    ending.failed(new LockstepError('weights-wrong', sentence));
  }

  /**
   * While the members compute, sends each one the samples of the next step, as if it kept its slots. Once it has all of
   * these, it is sent those of its share of an evaluation. Where this machine has threads, they evaluate.
   */
  stepStarted(task: Task): void {
    this.networkWatch.stepBegan(this.config.platform.nowMs());
    const next = taskAt(task.step + 1, this.run.machine.orders.train.stepsPerEpoch);
    this.evaluationShares ??= this.sharesOfEvaluation();
    for (const [place, { member }] of [...this.atWork.values()].entries()) {
      const { transport } = member;
      const shards = [...transport.leased()].filter((order) => order.task === task).map(({ shard }) => shard);
      transport.sendAhead([{ task: next, shards }, ...this.evaluationShares.slice(place, place + 1)]);
    }
  }

  /** None where this machine has threads. */
  private sharesOfEvaluation(): Guess[] {
    const { machine, setup } = this.run;
    if (this.threads > 0) return [];
    return evenShares(evaluationTask(setup.plan.judge), machine.orders, this.workers);
  }

  private fleetChanged(): void {
    this.networkWatch.fleetChanged();
    this.evaluationShares = null;
  }

  evaluated(testAccuracy: number): void {
    this.fleet.testAccuracy = testAccuracy;
  }

  close(farewell: Farewell): Promise<void> {
    this.closing ??= this.letGo(farewell);
    return this.closing;
  }

  private async letGo(farewell: Farewell): Promise<void> {
    this.stopTicking();
    this.isOver = true;
    // Workers of a run that was interrupted look for it until it goes on.
    const end: End = { type: 'end', reason: farewell, again: farewell === 'interrupted', message: farewells[farewell] };
    const gone = this.config.entrance.close(end, farewellMs);
    for (const member of [...this.members]) member.end(end.reason, end.again, end.message);
    await gone;
  }
}

interface AtWork {
  readonly member: RemoteMember;
  readonly joinedAt: number;
}

/** All threads of the coordinator as one row. They have joined together, before any worker. */
function ownState(own: OwnThreads, kernels: string, slotRows: number, joinedAt: number): WorkerState {
  const { name, threads, beliefs, shards, copiesAgreed } = own;
  return {
    member: beliefs[0]?.id ?? 0,
    own: true,
    name,
    kind: 'coordinator',
    threads,
    kernels,
    samplesPerSecond: beliefs.reduce((sum, belief) => sum + speedOf(belief, slotRows), 0),
    shards,
    copiesAgreed,
    roundTripMs: null,
    bytesSent: 0,
    bytesReceived: 0,
    state: beliefs.some(({ leases }) => leases.length > 0) ? 'computing' : 'idle',
    joinedAt,
  };
}

function stateOf({ member, joinedAt }: AtWork, slotRows: number): WorkerState {
  const { id, name, hello } = member;
  const { shards, copiesAgreed, roundTripMs, belief, isSpare } = member.transport;
  return {
    member: id,
    own: false,
    name,
    kind: hello?.kind ?? 'node',
    threads: hello?.threads ?? 0,
    kernels: hello?.kernels ?? '',
    samplesPerSecond: speedOf(belief, slotRows),
    shards,
    copiesAgreed,
    roundTripMs: roundTripMs === null ? null : Number(roundTripMs.toPrecision(3)),
    ...member.traffic,
    state: (belief?.leases.length ?? 0) > 0 ? 'computing' : isSpare ? 'spare' : 'idle',
    joinedAt,
  };
}

/** How long each of them computes a slot, without the way to it and back. Those that are not measured are left out. */
function computingTimes(beliefs: readonly (Readonly<Member> | undefined)[]): number[] {
  return beliefs.flatMap((belief) => {
    const cost = trainingCost(belief);
    return cost === null ? [] : [cost.slotMs];
  });
}

/** What a slot costs a member. Null until the pool has measured it. */
function trainingCost(belief: Readonly<Member> | undefined): Readonly<Cost> | null {
  const trained = workNames.find((work) => kinds[work].trains && belief?.costs[work].isKnown);
  return belief === undefined || trained === undefined ? null : belief.costs[trained];
}

/** Training samples per second, as the pool believes; 0 until it has measured the member. */
function speedOf(belief: Readonly<Member> | undefined, slotRows: number): number {
  const cost = trainingCost(belief);
  return cost === null ? 0 : Math.round((1000 * slotRows) / cost.msPerSlot);
}

function fleetConfig({ dataset }: RunSetup, machine: Machine, runName: string) {
  const data = { ...dataset, name: printableOf(dataset.name, limits.nameLengthMax) };
  return {
    version,
    run: printableOf(runName, limits.nameLengthMax),
    data,
    arithmetic: { ...arithmetic, knownAnswer: machine.proveArithmetic() },
    heartbeatMs: patience.pingMs,
  };
}
