/** A run that goes on, for whoever looks at it or takes part in deciding about it. */
import type { Machine } from '../../shared/compute/machine.js';
import type { Alarms } from '../archive/alarms.js';
import type { MetricsLine } from '../archive/config.js';
import type { RunSetup } from './setup.js';
import type { Trainer } from './trainer.js';
import type { TrainerDriver } from './trainer-driver.js';

export interface LiveRun {
  /** The last part of `directory`. */
  readonly name: string;
  /** The run directory. */
  readonly directory: string;
  readonly setup: RunSetup;
  readonly machine: Machine;
  readonly trainer: Trainer;
  /** Pauses and resumes it, and has checkpoints made. */
  readonly training: TrainerDriver;
  /** What the disk refuses at present, and how often it did. */
  readonly alarms: Pick<Alarms, 'active' | 'faults'>;
  /** Over about the last second. */
  readonly samplesPerSecond: number;
  /** What was recorded before this process took the run up. */
  history(): MetricsLine[];
  /** The path of metrics.jsonl, once all lines recorded so far are in it. */
  metrics(): Promise<string>;
  /** Ends the run in good order, as Ctrl-C does. */
  stop(): void;
}
