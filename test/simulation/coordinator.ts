/**
 * The coordinator of the simulated cluster: the production trainer, pool, fleet and run directory, put together as
 * `conduct` and `FleetSite` do it, without terminal, HTTP and real time.
 */

import type { Logger } from 'pino';
import { weightsSha256 } from '../../coordinator/archive/floats.js';
import type { Processes } from '../../coordinator/archive/lock.js';
import { RunDirectory } from '../../coordinator/archive/run-directory.js';
import type { Log } from '../../coordinator/cli/log.js';
import { standingAt, takeUp } from '../../coordinator/run/opening.js';
import { Recorder } from '../../coordinator/run/recorder.js';
import { buildMachine, restore } from '../../coordinator/run/setup.js';
import { recordedStep, type StopReason, Trainer } from '../../coordinator/run/trainer.js';
import { TrainerDriver } from '../../coordinator/run/trainer-driver.js';
import { knownAnswer } from '../../shared/arithmetic/known-answer.js';
import type { Machine } from '../../shared/compute/machine.js';
import type { Platform } from '../../shared/compute/platform.js';
import { LockstepError } from '../../shared/errors.js';
import { Fleet } from '../../shared/fleet/fleet.js';
import { type MemberObserver, RemoteMember } from '../../shared/fleet/remote-member.js';
import { limits } from '../../shared/limits.js';
import { patience } from '../../shared/pool/member.js';
import { noProfile } from '../../shared/profile.js';
import type { Task } from '../../shared/work/task.js';
import type { Disk } from './disk.js';
import type { End, EndObserver, Network } from './network.js';
import { backend, kernelsSha256, type Problem, sha256 } from './problem.js';
import type { Process } from './process.js';
import { check } from './world.js';

export const runPath = '/runs/sim';

/** As FleetSite's. */
const tickMs = 100;
/** Of the event loop, until the next one. */
const turnMsMax = 5;
/** Models are so small here that a byte that waits for the network stands for many: the limit is some copies of one. */
const copiesMax = 4;
/** The samples of a step, and what else may wait. */
const bytesBesides = 2_048;

/** What is to be counted, over all lives of the coordinator. */
export interface Tally {
  lives: number;
  joined: number;
  left: number;
  /** By the code of the reason. */
  readonly dropped: Record<string, number>;
  alarms: number;
}

export class SimulatedCoordinator implements MemberObserver {
  readonly members = new Set<RemoteMember>();
  machine: Machine | null = null;
  lastStep = 0;
  ended: StopReason | null = null;
  private training: TrainerDriver | null = null;
  private workers = 0;
  private readonly ends = new Set<End>();
  private readonly platform: Platform;
  private readonly log: Log;

  constructor(
    readonly process: Process,
    /** 1 for the first. */
    private readonly life: number,
    private readonly problem: Problem,
    private readonly network: Network,
    private readonly disk: Disk,
    private readonly tally: Tally,
    /** The newest step that was saved, in this life or one before. */
    private readonly durable: { step: number },
  ) {
    this.platform = platformOf(process);
    this.log = logTo(process);
  }

  /** Trains to the end; rejects where `conduct` does. */
  async run(): Promise<void> {
    try {
      const { training, machine, recorder } = await this.begin();
      await this.finish(machine, recorder, await training.run());
    } catch (error) {
      if (!(error instanceof LockstepError && error.code === 'run-finished')) throw error;
      this.ended = 'epochs';
    }
  }

  /** Begins the run, or goes on with it. */
  private async begin() {
    const { process, problem, log, platform } = this;
    const { setup, dataset } = problem;
    const files = this.disk.filesFor(process);
    const options = { files, processes: this.processes(), onFault: () => this.alarm() };
    const saved = (await RunDirectory.isThere(runPath, files)) ? await RunDirectory.open(runPath, options) : null;
    const checkpoint = saved === null ? null : await takeUp(saved, setup, log);
    const directory = saved ?? (await RunDirectory.create(runPath, setup.config, options));
    const standing = standingAt(checkpoint);
    check(
      standing.step >= this.durable.step,
      `step ${this.durable.step} was saved, and step ${standing.step} is found`,
    );
    this.lastStep = recordedStep(standing);
    this.watchSaves(directory);
    const trainer = new Trainer(setup.plan, standing);
    const machine = buildMachine(setup, dataset, 0, platform);
    if (checkpoint !== null) restore(machine, checkpoint);
    const recorder = new Recorder(setup, log, platform, directory, trainer, saved !== null);
    const training = new TrainerDriver(machine, trainer, setup.optimizer, process.nowMs, {
      stepStarted: (task) => this.stepStarted(task, training.taskAfter(task)),
      stepped: (step, epoch, train, test) => {
        this.stepped(machine, step);
        recorder.stepped(machine, { workers: this.workers, traffic }, step, epoch, train, test);
      },
      checkpoint: (position, state) => recorder.checkpoint(machine, position, state),
    });
    [this.machine, this.training] = [machine, training];
    const { traffic } = this.listen(machine);
    process.every(tickMs, () => {
      machine.pool.tick();
      for (const member of this.members) member.tick(process.nowMs());
    });
    return { training, machine, recorder };
  }

  /** A save that resolves is a promise. */
  private watchSaves({ checkpoints }: RunDirectory): void {
    const save = checkpoints.save.bind(checkpoints);
    checkpoints.save = async (snapshot) => {
      const path = await save(snapshot);
      if (path !== null && !this.process.isDead) this.durable.step = snapshot.position.step;
      return path;
    };
  }

  /** kill -9. */
  kill(): void {
    this.process.die();
    for (const end of this.ends) end.vanish();
    this.process.world.note(`${this.process.name} is killed`);
  }

  // ---- the gateway ----

  private listen(machine: Machine): Fleet {
    const { config } = this.problem.setup;
    const fleet = new Fleet(
      {
        version: config.version,
        run: 'sim',
        data: config.dataset,
        kernels: kernelsSha256,
        knownAnswer: sha256(knownAnswer(machine.memory, machine.workspace.sizes, machine.workspace.end)),
        heartbeatMs: patience.pingMs,
      },
      machine,
      this.slowly(),
    );
    this.network.listener = {
      process: this.process,
      accept: (open) => this.members.size < limits.membersMax && this.accept(fleet, machine, open),
    };
    return fleet;
  }

  /** The platform of a fleet for which a turn of the event loop is over after a few frames, and the next one comes later. */
  private slowly(): Platform {
    const { process, platform, network } = this;
    let ms = 0;
    return {
      ...platform,
      nowMs: () => {
        ms += network.random.uniform();
        return ms;
      },
      defer: (call) => process.after(turnMsMax * network.random.uniform(), call),
    };
  }

  private accept(fleet: Fleet, machine: Machine, open: (observer: EndObserver) => End): void {
    const end = open({
      received: (frame) => member.receive(frame),
      closed: () => {
        this.members.delete(member);
        this.ends.delete(end);
        member.disconnected();
      },
    });
    const queueBytesMax = 4 * copiesMax * machine.workspace.parameters + bytesBesides;
    const connection = {
      address: end.peerAddress,
      send: (frame: Uint8Array, whenSent: () => void = () => {}) => end.send(frame, whenSent),
      close: () => end.close(),
      get queuedBytes() {
        return (limits.sendQueueBytesMax / queueBytesMax) * end.queuedBytes;
      },
    };
    const member = new RemoteMember(fleet, connection, this, this.process.nowMs());
    this.members.add(member);
    this.ends.add(end);
  }

  joined(member: RemoteMember): void {
    this.workers += 1;
    this.tally.joined += 1;
    this.process.world.note(`${this.process.name}: ${member.name} joined`);
  }

  left(member: RemoteMember, error: string | null): void {
    if (member.wasMember) this.workers -= 1;
    if (error === null) this.tally.left += 1;
    else this.tally.dropped[error] = (this.tally.dropped[error] ?? 0) + 1;
    this.process.world.note(`${this.process.name}: ${member.name} is out: ${error ?? 'left'}`);
  }

  diverged(): void {
    this.training?.diverged();
  }

  countedWrong(): void {
    check(false, 'a wrong result was counted');
  }

  // ---- the training ----

  private stepStarted(task: Task, next: Task): void {
    for (const member of this.members) {
      for (const { shard, task: leased } of member.leased()) if (leased === task) member.sendSamples(next, shard);
    }
  }

  private stepped(machine: Machine, step: number): void {
    const { problem, process } = this;
    check(step === this.lastStep + 1, `step ${step} follows step ${this.lastStep}`);
    this.lastStep = step;
    const { weights, parameters } = machine.workspace;
    const hash = weightsSha256(machine.floats(weights, parameters));
    process.world.note(`${process.name}: step ${step}, weights ${hash.slice(0, 8)}`);
    check(hash === problem.hashes[step], `the weights after step ${step} are not those of a quiet run`);
  }

  private async finish(machine: Machine, recorder: Recorder, reason: StopReason): Promise<void> {
    this.network.listener = null;
    for (const member of [...this.members]) member.end('finished', false, 'the run is finished');
    await recorder.finish(machine, reason);
    this.ended = reason;
    this.process.world.note(`${this.process.name} ends: ${reason}`);
  }

  private alarm(): void {
    this.tally.alarms += 1;
  }

  private processes(): Processes {
    const identity = (pid: number) => ({ pid, start: '0', host: 'sim' });
    return { own: identity(this.life), isAlive: ({ pid }) => pid === this.life };
  }
}

function platformOf(process: Process): Platform {
  return {
    backend,
    kernelsSha256,
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

/** What is logged becomes part of the trace. */
function logTo(process: Process): Log {
  const say = (fields: unknown, text?: string) => process.world.note(`${process.name}: ${text ?? fields}`);
  return { logger: { info: say, warn: say, error: say } as unknown as Logger, bar: null, onAlarm: () => {} };
}
