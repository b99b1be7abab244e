/** A run's members behind a gateway: who is at work, who has come and gone, and what they are told. */
import type { Server } from 'node:http';
import type { Logger } from 'pino';
import { knownAnswer } from '../../shared/arithmetic/known-answer.js';
import type { Machine } from '../../shared/compute/machine.js';
import type { Platform } from '../../shared/compute/platform.js';
import { LockstepError } from '../../shared/errors.js';
import { Fleet, type Traffic } from '../../shared/fleet/fleet.js';
import type { MemberObserver, RemoteMember } from '../../shared/fleet/remote-member.js';
import { limits } from '../../shared/limits.js';
import { patience } from '../../shared/pool/member.js';
import { scoreBytes } from '../../shared/protocol/payload.js';
import { partBytesMax } from '../../shared/protocol/tensor.js';
import { printableOf } from '../../shared/text.js';
import { kinds, workNames } from '../../shared/work/kinds.js';
import type { Task } from '../../shared/work/task.js';
import { plural } from '../cli/log.js';
import type { Site, SiteEvents } from '../run/conduct.js';
import type { RunSetup } from '../run/setup.js';
import { version } from '../version.js';
import type { Access } from '../web/access.js';
import type { WorkerState } from '../web/state.js';
import { Gateway } from './gateway.js';

export interface FleetSiteConfig {
  /** Listens already. */
  readonly server: Server;
  readonly access: Access;
  /** Training begins when so many have joined. */
  readonly minWorkers: number;
  readonly platform: Platform;
  readonly logger: Logger;
  /** Hears what the log is told, in fewer words. */
  readonly tell: (kind: 'joined' | 'left' | 'dropped' | 're-leased', text: string) => void;
}

/** How long workers have to read the last message before their sockets are cut. */
const farewellMs = 2_000;
const tickMs = 100;

const farewells = {
  finished: 'the run is finished',
  interrupted: 'the run was interrupted',
  diverged: 'the run has diverged',
};

export class FleetSite implements Site, MemberObserver {
  /** By the number of the member. */
  private readonly atWork = new Map<number, AtWork>();
  /** Nothing is computed any more: what a worker leaves goes to nobody. */
  private isOver = false;
  readonly traffic: Readonly<Traffic>;
  private readonly fleet: Fleet;
  private readonly gateway: Gateway;
  private readonly timer: NodeJS.Timeout;
  private startTraining: () => void = () => {};
  /** Resolves when enough workers have joined, or the user wants to stop. */
  readonly ready: Promise<void>;

  constructor(
    private readonly config: FleetSiteConfig,
    private readonly setup: RunSetup,
    machine: Machine,
    private readonly events: SiteEvents,
  ) {
    const { server, access, platform } = config;
    this.fleet = new Fleet(fleetConfig(setup, machine, events.runName, platform), machine, platform);
    this.traffic = this.fleet.traffic;
    const frameBytesMax = limits.headerBytesMax + Math.max(partBytesMax, scoreBytes + setup.run.test);
    this.gateway = new Gateway(server, { access, frameBytesMax, nowMs: platform.nowMs }, this.fleet, this);
    this.timer = setInterval(() => {
      machine.pool.tick();
      this.gateway.tick();
    }, tickMs);
    this.ready = new Promise((resolve) => {
      this.startTraining = resolve;
    });
    events.interrupted.addEventListener('abort', this.startTraining);
    if (events.interrupted.aborted) this.startTraining();
  }

  get workers(): number {
    return this.atWork.size;
  }

  get port(): number {
    return this.gateway.port;
  }

  /** The first ones to have joined, as viewers see them. */
  workerStates(max: number): WorkerState[] {
    const { microBatch } = this.setup.run;
    return Array.from(this.atWork.values())
      .slice(0, max)
      .map((worker) => stateOf(worker, microBatch));
  }

  /** Sends a worker away for good; false when there is none of this number. */
  drop(id: number): boolean {
    const worker = this.atWork.get(id);
    worker?.member.end('dropped', false, 'the operator dropped this worker');
    return worker !== undefined;
  }

  joined(member: RemoteMember): void {
    const { logger, minWorkers } = this.config;
    const { id, name, hello } = member;
    this.atWork.set(id, { member, joinedAt: Date.now() });
    this.config.tell('joined', `${name} joined`);
    const fields = { worker: name, member: id, threads: hello?.threads, workers: this.workers };
    logger.info(fields, `${name} joined (${this.workers} at work)`);
    if (this.workers >= minWorkers) this.startTraining();
    if (this.workers === this.setup.slots + 1) {
      logger.warn(`more workers than slots (${this.setup.slots}): use a smaller --micro-batch or a larger --batch`);
    }
  }

  left({ id, name, wasMember, shardsLeft }: RemoteMember, error: string | null): void {
    const { logger } = this.config;
    this.atWork.delete(id);
    const fields = { worker: name, member: id, workers: this.workers, reason: error };
    if (wasMember) this.config.tell(error === null ? 'left' : 'dropped', said(name, error));
    if (shardsLeft > 0 && !this.isOver)
      this.config.tell('re-leased', `${plural(shardsLeft, 'shard')} of ${name} went to others`);
    if (error === null) logger.info(fields, `${name} left (${this.workers} at work)`);
    else logger.warn(fields, `${name} is out: ${error} (${this.workers} at work)`);
  }

  diverged(): void {
    this.events.diverged();
  }

  /** The promise is broken from that step on: training must not go on as if it were not. */
  countedWrong(name: string, { work, step }: Task): void {
    const { logger } = this.config;
    if (!kinds[work].trains) {
      logger.error({ worker: name, step }, `the ${work} after step ${step} is wrong: ${name} computed a part of it`);
      return;
    }
    const sentence =
      `${name} computed a wrong gradient in step ${step + 1}, and it was counted: the weights after it are not those ` +
      `of this configuration. Remove the checkpoints after step ${step}, then start again with --resume`;
    logger.error({ worker: name, step }, sentence);
    this.events.failed(new LockstepError('weights-wrong', sentence));
  }

  /** Sends every member the samples that it will need for the next step, if it keeps its slots, while it computes. */
  stepStarted(task: Task, next: Task): void {
    for (const member of this.gateway.members) {
      for (const { shard, task: leased } of member.leased()) if (leased === task) member.sendSamples(next, shard);
    }
  }

  evaluated(testAccuracy: number): void {
    this.fleet.testAccuracy = testAccuracy;
  }

  async close(reason: keyof typeof farewells): Promise<void> {
    clearInterval(this.timer);
    this.isOver = true;
    // Workers of a run that was interrupted look for it until it goes on.
    await this.gateway.end(reason, reason === 'interrupted', farewells[reason], farewellMs);
  }
}

interface AtWork {
  readonly member: RemoteMember;
  readonly joinedAt: number;
}

function stateOf({ member, joinedAt }: AtWork, microBatch: number): WorkerState {
  const { id, name, hello, shards, roundTripMs, belief } = member;
  const trained = workNames.find((work) => kinds[work].trains && (belief?.msPerSlot[work] ?? 0) > 0);
  const msPerSlot = trained === undefined ? 0 : (belief?.msPerSlot[trained] ?? 0);
  return {
    member: id,
    name,
    kind: hello?.kind ?? 'node',
    threads: hello?.threads ?? 0,
    samplesPerSecond: msPerSlot === 0 ? 0 : Math.round((1000 * microBatch) / msPerSlot),
    shards,
    audits: member.audits,
    roundTripMs: roundTripMs === null ? null : Number(roundTripMs.toPrecision(3)),
    state: (belief?.leases.length ?? 0) > 0 ? 'computing' : 'idle',
    joinedAt,
  };
}

function said(name: string, error: string | null): string {
  return error === null ? `${name} left` : `${name} is out: ${error}`;
}

function fleetConfig({ dataset }: RunSetup, machine: Machine, runName: string, platform: Platform) {
  const data = { ...dataset, name: printableOf(dataset.name, limits.nameLengthMax) };
  return {
    version,
    run: printableOf(runName, limits.nameLengthMax),
    data,
    kernels: platform.kernelsSha256,
    knownAnswer: platform.sha256(knownAnswer(machine.memory, machine.workspace.sizes, machine.workspace.end)),
    heartbeatMs: patience.pingMs,
  };
}
