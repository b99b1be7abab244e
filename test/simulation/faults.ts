/** The faults of a simulated cluster: each is a function that causes it. */
import type { Random } from '../../shared/random.js';
import type { Cluster, Site } from './cluster.js';
import type { Manner, SimulatedWorker } from './worker.js';

export interface FaultContext {
  readonly cluster: Cluster;
  readonly random: Random;
  readonly newSite: () => Site;
}

type Fault = (context: FaultContext) => void | Promise<void>;

/** A random number from `low` to `high`, log-uniform: every factor of two is equally likely. */
export function between(random: Random, low: number, high: number): number {
  return low * (high / low) ** random.uniform();
}

export const faults = {
  /** The process is killed (kill -9). Half of the killed workers are started again. */
  kill: withWorker((worker, { cluster, random }) => {
    worker.kill(false);
    if (random.below(2) === 0)
      later(cluster, between(random, 50, 5_000), () => cluster.startWorker(cluster.siteOf(worker)));
  }),
  /** The machine loses its power. Its connection becomes silent, and nobody closes it. */
  'power-off': withWorker((worker) => worker.kill(true)),
  /** The worker gets Ctrl-C. */
  leave: withWorker((worker) => worker.leave()),
  join: ({ cluster, newSite }) => void cluster.startWorker(newSite()),
  /** The process is stopped (SIGSTOP), and continued later (SIGCONT). */
  freeze: withWorker(({ process }, { cluster, random }) => {
    process.stop(false);
    later(cluster, between(random, 50, 20_000), () => process.continue());
  }),
  /** The machine sleeps, and its clock stands still. */
  sleep: withWorker(({ process }, { cluster, random }) => {
    process.stop(true);
    later(cluster, between(random, 1_000, 60_000), () => process.continue());
  }),
  /** The connection breaks, perhaps in the middle of a frame. */
  cut: withWorker((worker) => worker.cut()),
  /** The line delivers nothing for a while, and everything after that. Connections are half-open, results late. */
  'line-down': withWorker(({ traits: { line } }, { cluster, random }) => {
    line.isDown = true;
    later(cluster, between(random, 50, 30_000), () => {
      line.isDown = false;
    });
  }),
  'slow-line': withWorker(({ traits: { line } }, { cluster, random }) => {
    const { bytesPerMs } = line;
    line.bytesPerMs = between(random, 0.1, 10);
    later(cluster, between(random, 1_000, 20_000), () => {
      line.bytesPerMs = bytesPerMs;
    });
  }),
  /** The worker computes more slowly for a while, like a laptop on battery. */
  'slow-worker': withWorker(({ traits }, { cluster, random }) => {
    const { msPerSlot } = traits;
    traits.msPerSlot *= between(random, 2, 50);
    later(cluster, between(random, 1_000, 20_000), () => {
      traits.msPerSlot = msPerSlot;
    });
  }),
  /** The worker begins to answer wrongly, or stops answering. */
  manners: withWorker((worker, { cluster, random }) => {
    const bad: readonly Manner[] = ['poison', 'echo', 'mute', 'forgetful', 'garbage'];
    worker.traits.manner = bad[random.below(bad.length)];
    cluster.world.note(`${worker.process.name}: ${worker.traits.manner}`);
  }),
  /** The coordinator stands still for a while. */
  stall: ({ cluster, random }) => {
    const process = cluster.coordinator?.process;
    process?.stop(false);
    later(cluster, between(random, 200, 30_000), () => process?.continue());
  },
  /** The coordinator is killed or loses its power, at any point of a step or a checkpoint. */
  crash: ({ cluster, random }) => cluster.crashCoordinator(random.below(2) === 0, between(random, 10, 10_000)),
  'disk-full': ({ cluster, random }) => {
    cluster.disk.failing = true;
    later(cluster, between(random, 100, 10_000), () => {
      cluster.disk.failing = false;
    });
  },
} satisfies Record<string, Fault>;

export type FaultKind = keyof typeof faults;

export const faultKinds = Object.keys(faults) as FaultKind[];

/** A fault that affects one present worker, chosen at random. Without a worker, it does nothing. */
function withWorker(fault: (worker: SimulatedWorker, context: FaultContext) => void): Fault {
  return (context) => {
    const { present } = context.cluster;
    if (present.length === 0) return;
    const worker = present[context.random.below(present.length)];
    context.cluster.world.note(`... to ${worker.process.name}`);
    fault(worker, context);
  };
}

function later({ world }: Cluster, ms: number, happen: () => void): void {
  world.at(world.nowMs + ms, happen);
}
