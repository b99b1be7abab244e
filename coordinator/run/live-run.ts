/** A run while it goes on, for code that shows it or controls it. */
import { basename } from 'node:path';
import type { Machine } from '../../shared/compute/machine.js';
import type { Alarms } from '../archive/alarms.js';
import type { RunDirectory } from '../archive/run-directory.js';
import type { Ending } from './ending.js';
import type { RunSetup } from './setup.js';
import type { Trainer } from './trainer.js';
import type { TrainerDriver } from './trainer-driver.js';

export interface LiveRun {
  /** The last part of `directory`. */
  readonly name: string;
  /** The run directory's path. */
  readonly directory: string;
  readonly setup: RunSetup;
  readonly machine: Machine;
  readonly trainer: Trainer;
  /** Pauses and resumes the run, and makes checkpoints. */
  readonly training: TrainerDriver;
  /** What the disk refuses to write now, and how many writes have failed. */
  readonly alarms: Pick<Alarms, 'active' | 'faults'>;
  /** The mean over about the last second. */
  readonly samplesPerSecond: number;
  /** The path of metrics.jsonl, once all lines recorded so far are in it. */
  metrics(): Promise<string>;
  /** Ends the run in good order, as Ctrl-C does. */
  stop(): void;
}

export interface LiveRunParts extends Pick<LiveRun, 'setup' | 'machine' | 'trainer' | 'training'> {
  readonly directory: RunDirectory;
  /** The recorder. Only its present speed is used. */
  readonly recorder: Pick<LiveRun, 'samplesPerSecond'>;
  readonly ending: Ending;
}

export function liveRun(parts: LiveRunParts): LiveRun {
  const { directory, setup, machine, trainer, training, recorder, ending } = parts;
  return {
    name: basename(directory.path),
    directory: directory.path,
    setup,
    machine,
    trainer,
    training,
    alarms: directory.alarms,
    get samplesPerSecond() {
      return recorder.samplesPerSecond;
    },
    metrics: async () => {
      await directory.flush();
      return directory.metricsPath;
    },
    stop: () => ending.interrupt(),
  };
}
