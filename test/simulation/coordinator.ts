/**
 * The coordinator of the simulated cluster: `conduct` and `FleetSite` as in production, with a simulated clock, disk,
 * process table and network. It listens to the events of the run, and checks every promise that they show.
 */

import { weightsSha256 } from '../../coordinator/archive/floats.js';
import type { Processes } from '../../coordinator/archive/lock.js';
import { describe } from '../../coordinator/cli/describe.js';
import { FleetSite } from '../../coordinator/fleet/site.js';
import type { Clock } from '../../coordinator/run/clock.js';
import { conduct } from '../../coordinator/run/conduct.js';
import type { LiveRun } from '../../coordinator/run/live-run.js';
import type { RunEvent } from '../../coordinator/run/run-event.js';
import { recordedStep, type StopReason } from '../../coordinator/run/trainer.js';
import type { Machine } from '../../shared/compute/machine.js';
import type { Platform } from '../../shared/compute/platform.js';
import { LockstepError } from '../../shared/errors.js';
import type { RemoteMember } from '../../shared/fleet/remote-member.js';
import { inputWidth, parameterCount } from '../../shared/model/parameters.js';
import { noProfile } from '../../shared/profile.js';
import { samplesBytesMax } from '../../shared/protocol/payload.js';
import type { Disk } from './disk.js';
import { SimulatedEntrance } from './entrance.js';
import type { Network } from './network.js';
import { backend, type Problem, sha256 } from './problem.js';
import type { Process } from './process.js';
import { check } from './world.js';

/** The longest time between two turns of the event loop. */
const turnMsMax = 5;
/**
 * Limits of the data that waits for a connection: copies of the model, the samples of two steps and an evaluation, and
 * bytes for everything else.
 */
const copiesMax = 4;
const bytesBesides = 2_048;

/** Counts over all lives of the coordinator. */
export interface Tally {
  lives: number;
  joined: number;
  left: number;
  /** Number of dropped workers, by reason. */
  readonly dropped: Record<string, number>;
  alarms: number;
  /** Times that the best weights were not on the disk when the run went on. */
  bestLost: number;
}

export class SimulatedCoordinator {
  lastStep = 0;
  /** When each step of this life was over. */
  readonly stepEndsMs: number[] = [];
  ended: StopReason | null = null;
  private live: LiveRun | null = null;
  /** Workers that must not join this life of the coordinator again. In the simulation, all names differ. */
  private readonly banned = new Set<string>();
  private site: FleetSite | null = null;
  private readonly platform: Platform;
  private readonly entrance: SimulatedEntrance;

  constructor(
    readonly process: Process,
    /** Number of this life of the coordinator, from 1. */
    private readonly life: number,
    private readonly problem: Problem,
    private readonly network: Network,
    private readonly disk: Disk,
    private readonly tally: Tally,
    /** The newest saved step of this life and all earlier ones. */
    private readonly durable: { step: number },
  ) {
    this.platform = platformOf(process);
    this.entrance = new SimulatedEntrance(process, network, queueBytesMax(problem));
  }

  /** The machine of the run, or null until the run is loaded. */
  get machine(): Machine | null {
    return this.live?.machine ?? null;
  }

  get members(): ReadonlySet<RemoteMember> {
    return this.site?.members ?? new Set();
  }

  get connections(): number {
    return this.entrance.connections;
  }

  /** Trains to the end. Rejects if `conduct` rejects, except for a run that has finished before. */
  async run(): Promise<void> {
    try {
      const { stopReason } = await this.conduct();
      this.ended = stopReason;
    } catch (error) {
      if (!(error instanceof LockstepError && error.code === 'run-finished')) throw error;
      this.ended = 'epochs';
    }
    this.network.listener = null;
    this.process.world.note(`${this.process.name} ends: ${this.ended}`);
  }

  private conduct() {
    const { process, problem, platform, entrance, disk } = this;
    const clock = clockOf(process);
    const config = { entrance, minWorkers: 1, platform, clock, turns: this.turns() };
    return conduct(problem.request, {
      platform,
      files: disk.filesFor(process),
      processes: this.processes(),
      clock,
      loadDataset: async () => problem.dataset,
      site: {
        threads: 0,
        open: (run) => {
          this.site = new FleetSite(config, run);
          return this.site;
        },
      },
      wish: new AbortController().signal,
      emit: (event) => this.heard(event),
    });
  }

  /** Ends the process at once, like kill -9. */
  kill(): void {
    this.process.die();
    this.entrance.vanish();
    this.process.world.note(`${this.process.name} is killed`);
  }

  /** A clock that moves with every look at it. So a turn of the event loop ends after a few frames. */
  private turns(): Pick<Platform, 'nowMs' | 'defer'> {
    const { process, network } = this;
    let ms = 0;
    return {
      nowMs: () => {
        ms += network.random.uniform();
        return ms;
      },
      defer: (call) => process.after(turnMsMax * network.random.uniform(), call),
    };
  }

  private heard(event: RunEvent): void {
    const { process, tally } = this;
    const line = describe(event, null);
    if (line !== null) process.world.note(`${process.name}: ${line.text}`);
    if (event.type === 'loaded') this.loaded(event.run);
    else if (event.type === 'stepped') this.stepped(event.line.step);
    else if (event.type === 'checkpointed') this.checkpointed(event.step);
    else if (event.type === 'joined') this.joined(event.worker);
    else if (event.type === 'alarm-raised') tally.alarms += 1;
    else if (event.type === 'left' && event.reason === null) tally.left += 1;
    else if (event.type === 'left') this.dropped(event.reason ?? '');
    else if (event.type === 'banned') this.banned.add(event.worker);
    else if (event.type === 'warned' && event.warning.code === 'best-lost') tally.bestLost += 1;
    else if (event.type === 'warned') check(event.warning.code !== 'evaluation-wrong', 'a wrong result was counted');
  }

  private joined(worker: string): void {
    this.tally.joined += 1;
    check(!this.banned.has(worker), `${worker} has computed something wrong, and joins again`);
  }

  private dropped(reason: string): void {
    const { dropped } = this.tally;
    // The details in brackets after the sentence differ from case to case.
    const sentence = reason.replace(/ \(.*/, '');
    dropped[sentence] = (dropped[sentence] ?? 0) + 1;
  }

  private loaded(run: LiveRun): void {
    const { position, findings } = run.trainer;
    const { step } = position;
    check(step >= this.durable.step, `step ${this.durable.step} was saved, and step ${step} is found`);
    this.live = run;
    this.lastStep = recordedStep({ step, state: findings });
  }

  /** A reported checkpoint is a promise: no later life may find an older step. */
  private checkpointed(step: number): void {
    if (!this.process.isDead) this.durable.step = step;
  }

  private stepped(step: number): void {
    const { problem, process, machine } = this;
    check(step === this.lastStep + 1, `step ${step} follows step ${this.lastStep}`);
    this.lastStep = step;
    this.stepEndsMs.push(process.world.nowMs);
    check(machine !== null, 'a step is made before the run is loaded');
    const { weights, parameters } = machine.workspace;
    const hash = weightsSha256(machine.floats(weights, parameters));
    process.world.note(`${process.name}: step ${step}, weights ${hash.slice(0, 8)}`);
    check(hash === problem.hashes[step], `the weights after step ${step} are not those of a quiet run`);
  }

  private processes(): Processes {
    const identity = (pid: number) => ({ pid, start: '0', host: 'sim' });
    return { own: identity(this.life), isAlive: ({ pid }) => pid === this.life };
  }
}

function queueBytesMax({ setup }: Problem): number {
  const { model, batch, validation = 0, test } = setup.run;
  const samples = samplesBytesMax(2 * batch + validation + test, inputWidth(model));
  return copiesMax * 4 * parameterCount(model) + samples + bytesBesides;
}

function clockOf(process: Process): Clock {
  return {
    dateMs: () => process.world.nowMs,
    every: (periodMs, call) => {
      let isStopped = false;
      process.every(periodMs, () => isStopped || call());
      return () => {
        isStopped = true;
      };
    },
  };
}

function platformOf(process: Process): Platform {
  return {
    backend,
    cores: 1,
    sharesMemory: true,
    spawnThread: () => {
      throw new Error('the simulated coordinator computes nothing by itself');
    },
    nowMs: process.nowMs,
    defer: (call) => process.post(call),
    sha256,
    profile: noProfile,
  };
}
