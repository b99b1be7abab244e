/** What goes wrong in a simulated cluster, and how it is done. */
import type { Random } from '../../shared/random.js';
import type { Cluster, Site } from './cluster.js';
import type { Manner, SimulatedWorker } from './worker.js';

export interface FaultContext {
  readonly cluster: Cluster;
  readonly random: Random;
  readonly newSite: () => Site;
}

type Fault = (context: FaultContext) => void | Promise<void>;

/** Something between, and as often near the one as near the other, whatever their ratio. */
export function between(random: Random, low: number, high: number): number {
  return low * (high / low) ** random.uniform();
}

export const faults = {
  /** kill -9; sometimes started again. */
  kill: withWorker((worker, { cluster, random }) => {
    worker.kill(false);
    if (random.below(2) === 0)
      later(cluster, between(random, 50, 5_000), () => cluster.startWorker(cluster.siteOf(worker)));
  }),
  /** The machine is off: its connection says nothing more. */
  'power-off': withWorker((worker) => worker.kill(true)),
  /** Ctrl-C. */
  leave: withWorker((worker) => worker.leave()),
  join: ({ cluster, newSite }) => void cluster.startWorker(newSite()),
  /** SIGSTOP, SIGCONT. */
  freeze: withWorker(({ process }, { cluster, random }) => {
    process.stop(false);
    later(cluster, between(random, 50, 20_000), () => process.continue());
  }),
  /** The machine sleeps, with its clock. */
  sleep: withWorker(({ process }, { cluster, random }) => {
    process.stop(true);
    later(cluster, between(random, 1_000, 60_000), () => process.continue());
  }),
  /** A connection breaks, in the middle of whatever is on it. */
  cut: withWorker((worker) => worker.cut()),
  /** A line swallows everything, and then delivers it: half-open connections, late results. */
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
  /** A laptop on battery; and back. */
  'slow-worker': withWorker(({ traits }, { cluster, random }) => {
    const { msPerSlot } = traits;
    traits.msPerSlot *= between(random, 2, 50);
    later(cluster, between(random, 1_000, 20_000), () => {
      traits.msPerSlot = msPerSlot;
    });
  }),
  /** It answers, but not as it should. */
  manners: withWorker((worker, { cluster, random }) => {
    const bad: readonly Manner[] = ['poison', 'echo', 'mute', 'garbage'];
    worker.traits.manner = bad[random.below(bad.length)];
    cluster.world.note(`${worker.process.name}: ${worker.traits.manner}`);
  }),
  /** The coordinator itself stands still. */
  stall: ({ cluster, random }) => {
    const process = cluster.coordinator?.process;
    process?.stop(false);
    later(cluster, between(random, 200, 30_000), () => process?.continue());
  },
  /** kill -9 of the coordinator, or a power cut, wherever it is in a step or a checkpoint. */
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

/** Of the workers that are there; nothing happens when nobody is. */
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
