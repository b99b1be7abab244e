/** A simulated cluster: one coordinator, which may be started again, and workers that come and go. */
import { LockstepError } from '../../shared/errors.js';
import { protocolErrors } from '../../shared/protocol/errors.js';
import { Random } from '../../shared/random.js';
import type { Outcome } from '../../worker/session-driver.js';
import { SimulatedCoordinator, type Tally } from './coordinator.js';
import { Disk } from './disk.js';
import { checkInvariants } from './invariants.js';
import { type Line, Network } from './network.js';
import type { Problem } from './problem.js';
import { Process } from './process.js';
import { SimulatedWorker, type WorkerTraits } from './worker.js';
import type { World } from './world.js';

/** A worker's line and speed when nothing is wrong. */
export interface Site {
  readonly line: Line;
  readonly msPerSlot: number;
  /** Processor time of a shard besides its slots. */
  readonly msPerShard?: number;
  readonly prepareMs: number;
}

/** Time from a failure of the coordinator's disk to its restart. */
const restartMs = 1_000;
/** Time from a worker's eviction to its restart. */
const insistMs = 1_000;

export class Cluster {
  readonly workers: SimulatedWorker[] = [];
  readonly disk: Disk;
  readonly tally: Tally = { lives: 0, joined: 0, left: 0, dropped: {}, alarms: 0, bestLost: 0 };
  coordinator: SimulatedCoordinator | null = null;
  private readonly durable = { step: 0 };
  private readonly network: Network;
  private readonly sites: Site[] = [];

  constructor(
    readonly world: World,
    readonly problem: Problem,
    private readonly random: Random,
    sharedBytesPerMs: number | null = null,
  ) {
    this.disk = new Disk(new Random(random.uint32()));
    this.network = new Network(world, new Random(random.uint32()), sharedBytesPerMs);
  }

  startCoordinator(): void {
    this.tally.lives += 1;
    const check = () => {
      if (coordinator.machine !== null) checkInvariants(coordinator.machine, coordinator.members);
    };
    const process = new Process(this.world, `coordinator ${this.tally.lives}`, check);
    const { problem, network, disk, tally, durable } = this;
    const coordinator = new SimulatedCoordinator(process, tally.lives, problem, network, disk, tally, durable);
    this.coordinator = coordinator;
    process.post(() => this.world.watch(coordinator.run().catch((error: unknown) => this.failed(coordinator, error))));
  }

  /** A coordinator that cannot write ends with an error. Its operator reads the error and starts it again. */
  private failed(coordinator: SimulatedCoordinator, error: unknown): void {
    // A killed process cannot report errors.
    if (coordinator.process.isDead) return;
    const isDisk = error instanceof LockstepError && ['output-unwritable', 'run-invalid'].includes(error.code);
    if (!isDisk || !this.disk.hasFailed) throw error;
    this.world.note(`${coordinator.process.name}: ${error.message}`);
    coordinator.kill();
    this.world.at(this.world.nowMs + restartMs, () => this.startCoordinator());
  }

  /** Kills the coordinator, or cuts its power. It starts again after `restartMs`. */
  async crashCoordinator(powerCut: boolean, restartMs: number): Promise<void> {
    const { coordinator, world } = this;
    if (coordinator === null || coordinator.process.isDead) return;
    coordinator.kill();
    await this.disk.crash(powerCut);
    world.at(world.nowMs + restartMs, () => this.startCoordinator());
  }

  startWorker(site: Site): SimulatedWorker {
    const { msPerSlot, msPerShard = 0, prepareMs, line } = site;
    const seed = this.random.uint32();
    const traits = { seed, msPerSlot, msPerShard, prepareMs, manner: 'honest' as const, line: { ...line } };
    return this.run(`worker ${this.workers.length + 1}`, site, traits, false);
  }

  private run(name: string, site: Site, traits: WorkerTraits, hasMisbehaved: boolean): SimulatedWorker {
    const process = new Process(this.world, name);
    const worker = new SimulatedWorker(process, this.network, traits, hasMisbehaved, (outcome) => {
      if (isThrownOut(outcome)) this.world.at(this.world.nowMs + insistMs, () => this.insist(worker));
    });
    this.sites.push(site);
    this.workers.push(worker);
    this.world.note(`${name} starts`);
    return worker;
  }

  /** The owner starts an evicted worker again without a repair. It has the same name, address and fault. */
  private insist(worker: SimulatedWorker): void {
    const { process, traits } = worker;
    this.run(process.name, this.siteOf(worker), { ...traits, seed: traits.seed + 1 }, true);
  }

  siteOf(worker: SimulatedWorker): Site {
    return this.sites[this.workers.indexOf(worker)];
  }

  get present(): SimulatedWorker[] {
    return this.workers.filter((worker) => !worker.isOver);
  }

  /** Ends all faults, and starts one more worker at `site`. */
  heal(site: Site): void {
    this.disk.failing = false;
    this.coordinator?.process.continue();
    for (const worker of this.workers) {
      const { line, msPerSlot } = this.siteOf(worker);
      worker.process.continue();
      Object.assign(worker.traits, { msPerSlot, manner: 'honest' });
      Object.assign(worker.traits.line, line);
    }
    this.startWorker(site);
  }
}

function isThrownOut({ ok, message }: Outcome): boolean {
  return !ok && message.startsWith(protocolErrors['bad-result'].sentence);
}
