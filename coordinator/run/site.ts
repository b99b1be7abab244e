/**
 * The site knows who computes: threads of this machine, or workers that join over a network. `conduct` is the same for
 * both; only the site differs.
 */
import type { Machine } from '../../shared/compute/machine.js';
import type { Traffic } from '../../shared/fleet/fleet.js';
import type { Task } from '../../shared/work/task.js';
import type { Ending } from './ending.js';
import type { RunListener } from './run-event.js';
import type { OwnThreadsPlan, RunSetup } from './setup.js';

/** Who computes, and how much workers have sent and received so far. */
export interface FleetState {
  /** Workers that have joined. Where none can join: the compute threads of this machine. */
  readonly workers: number;
  /** Compute threads of the coordinator itself, beside its workers. Absent where workers cannot join. */
  readonly threads?: number;
  readonly traffic: Readonly<Traffic>;
}

/** What members are told at the end. After `interrupted`, workers look for the run until it goes on. */
export type Farewell = 'finished' | 'interrupted' | 'diverged';

export interface Site extends FleetState {
  /** Resolves when training can begin, and when `ending` is decided. Rejects when training can never begin. */
  ready(): Promise<void>;
  /** A step was handed to the pool. */
  stepStarted(task: Task): void;
  /** The accuracy on the test set is known anew. */
  evaluated(testAccuracy: number): void;
  /** Tells the members why the run ends, and lets them go. Only the first call counts, and later ones wait for it. */
  close(farewell: Farewell): Promise<void>;
}

/** The parts of a run that its site needs. */
export interface SiteRun {
  readonly name: string;
  /** The run directory. */
  readonly directory: string;
  readonly setup: RunSetup;
  readonly machine: Machine;
  /** The number of updates that made the weights with which training begins. */
  readonly firstStep: number;
  /** The site reports here that a thread died, that a gradient is not finite, or that a wrong one was counted. */
  readonly ending: Ending;
  readonly emit: RunListener;
}

export interface SitePlan extends OwnThreadsPlan {
  open(run: SiteRun): Site;
}
