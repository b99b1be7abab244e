/**
 * Where the members of the pool are: threads of this machine, or workers that join over a network. `conduct` runs a
 * training; what differs between one machine and a fleet is the site.
 */
import type { Machine } from '../../shared/compute/machine.js';
import type { Traffic } from '../../shared/fleet/fleet.js';
import type { Task } from '../../shared/work/task.js';
import type { Ending } from './ending.js';
import type { RunListener } from './run-event.js';
import type { RunSetup } from './setup.js';

/** Who computes, and what it has cost the network so far. */
export interface FleetState {
  readonly workers: number;
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

/** What a site is made from. */
export interface SiteRun {
  readonly name: string;
  /** The run directory. */
  readonly directory: string;
  readonly setup: RunSetup;
  readonly machine: Machine;
  /** Ends the run: a thread died, a gradient is not finite, a wrong one was counted. */
  readonly ending: Ending;
  readonly emit: RunListener;
}

export interface SitePlan {
  /** Compute threads of this machine. */
  readonly threads: number;
  open(run: SiteRun): Site;
}
