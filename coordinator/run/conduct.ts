/**
 * A training run from beginning to end, whoever computes for it: load, check, open the site, train, and leave behind
 * what a run leaves behind. What differs between one machine and a fleet is the `Site`.
 */

import type { Machine } from '../../shared/compute/machine.js';
import type { Platform } from '../../shared/compute/platform.js';
import { LockstepError } from '../../shared/errors.js';
import type { Task } from '../../shared/work/task.js';
import type { MetricsLine, Summary } from '../archive/config.js';
import { collectGarbage } from '../cli/garbage.js';
import { loadWithProgress } from '../cli/load.js';
import type { Log } from '../cli/log.js';
import type { RunOptions } from '../cli/options.js';
import type { Profiler } from '../profile/profiler.js';
import { openNew, openSaved, standingAt, takeUp } from './opening.js';
import { type FleetState, Recorder, shorter } from './recorder.js';
import { settle } from './settings.js';
import { buildMachine, type RunSetup, restore, setUpRun } from './setup.js';
import { type StopReason, Trainer } from './trainer.js';
import { TrainerDriver } from './trainer-driver.js';

/** Where the members of the pool are: threads of this machine, or workers behind a gateway. */
export interface Site extends FleetState {
  /** A step was handed to the pool; `next` follows it. */
  stepStarted(task: Task, next: Task): void;
  /** The accuracy on the test set is known anew. */
  evaluated(testAccuracy: number): void;
  /** The run is over: says so to the members, and lets them go. */
  close(reason: 'finished' | 'interrupted' | 'diverged'): Promise<void>;
}

/** A run that goes on, for whoever looks at it or takes part in deciding about it. */
export interface LiveRun {
  readonly setup: RunSetup;
  readonly machine: Machine;
  readonly trainer: Trainer;
  readonly training: TrainerDriver;
  readonly recorder: Recorder;
  /** Ends the run in good order, as the user at the terminal can. */
  stop(): void;
}

/** Follows a run. Calls are made between steps, and must be over soon. */
export interface RunWatcher {
  /** Everything is there; the first step has not begun. */
  loaded(run: LiveRun): void;
  stepped(line: MetricsLine): void;
  checkpointed(step: number): void;
  ended(reason: StopReason, summary: Summary): void;
}

/** What a site may have to say, and to know, before the training begins. */
export interface SiteEvents {
  readonly runName: string;
  /** The run directory. */
  readonly directory: string;
  /** Aborted when the user wants to stop. */
  readonly interrupted: AbortSignal;
  /** A thread died. */
  failed(error: Error): void;
  /** A member's gradient is not finite, and rightly so (E5). */
  diverged(): void;
}

export interface SitePlan {
  /** Compute threads of this machine. */
  readonly threads: number;
  /** Resolves when training can begin. */
  open(setup: RunSetup, machine: Machine, events: SiteEvents): Promise<Site>;
  readonly watcher?: RunWatcher;
  /** The pool has work and no members, or has members again. */
  stranded?(stranded: boolean): void;
}

/** Runs to the end; resolves with the exit code. `profiler` is the platform's, if it has one. `onInterrupt` calls back when the user wants to stop. */
export async function conduct(
  options: RunOptions,
  log: Log,
  platform: Platform,
  profiler: Profiler | null,
  onInterrupt: (stop: () => void) => void,
  plan: SitePlan,
): Promise<number> {
  const wish = new AbortController();
  onInterrupt(() => wish.abort());
  const { setup, trainer, recorder, machine } = await prepare(options, log, platform, plan, wish.signal);
  let site: Site | null = null;
  let failed: (error: Error) => void = () => {};
  const training = new TrainerDriver(machine, trainer, setup.optimizer, platform.nowMs, {
    stepStarted: (task) => site?.stepStarted(task, training.taskAfter(task)),
    stepped: (step, epoch, train, test) => {
      platform.profile.enter('record');
      if (test !== undefined) site?.evaluated(test.accuracy);
      const line = site === null ? null : recorder.stepped(machine, site, step, epoch, train, test);
      if (line !== null) plan.watcher?.stepped(line);
      platform.profile.leave();
    },
    checkpoint: (position, state) => {
      recorder.checkpoint(machine, position, state);
      plan.watcher?.checkpointed(position.step);
    },
  });
  plan.watcher?.loaded({ setup, machine, trainer, training, recorder, stop: () => wish.abort() });
  wish.signal.addEventListener('abort', () => training.interrupt());
  if (wish.signal.aborted) training.interrupt();
  const failure = new Promise<never>((_, reject) => {
    failed = reject;
  });
  site = await plan.open(setup, machine, {
    runName: recorder.name,
    directory: recorder.directory,
    interrupted: wish.signal,
    failed,
    diverged: () => training.diverged(),
  });
  // What would otherwise be done in the middle of the first steps, while all wait.
  machine.orders.train.prepare(trainer.position.epoch);
  collectGarbage();
  recorder.begin();
  profiler?.begin();
  const reason = await Promise.race([training.run(), failure]);
  profiler?.finish(recorder.directory, trainer.position.step, site.workers);
  // At the same time: neither a slow worker nor a slow disk keeps the other waiting.
  const closed = site.close(endReasons[reason]);
  const summary = await recorder.finish(machine, reason).finally(() => closed);
  plan.watcher?.ended(reason, summary);
  if (reason === 'diverged') throw divergence(trainer.position.step, setup);
  return reason === 'interrupted' ? 130 : 0;
}

/** All that a run is made of. The data set that was loaded is let go of: the machine has copied its samples. */
async function prepare(options: RunOptions, log: Log, platform: Platform, plan: SitePlan, interrupted: AbortSignal) {
  const saved = await openSaved(options, log);
  let directory = saved;
  try {
    const settings = settle(options, saved?.config ?? null);
    const dataset = await loadWithProgress(settings, log, interrupted);
    const kernelsSha256 = platform.kernelsSha256;
    const setup = setUpRun(settings, dataset, kernelsSha256, 1000 * options.checkpointEvery);
    const checkpoint = saved === null ? null : await takeUp(saved, setup, log);
    directory ??= await openNew(options, setup, log);
    const trainer = new Trainer(setup.plan, standingAt(checkpoint));
    const machine = buildMachine(setup, dataset, plan.threads, platform, plan.stranded);
    if (checkpoint !== null) restore(machine, checkpoint);
    const recorder = new Recorder(setup, log, platform, directory, trainer, saved !== null);
    return { setup, trainer, recorder, machine };
  } catch (error) {
    await directory?.close();
    throw error;
  }
}

const endReasons: Record<StopReason, 'finished' | 'interrupted' | 'diverged'> = {
  epochs: 'finished',
  'max-steps': 'finished',
  'target-accuracy': 'finished',
  converged: 'finished',
  interrupted: 'interrupted',
  diverged: 'diverged',
};

/** E5: names the step, and what to try. */
function divergence(steps: number, { optimizer }: RunSetup): LockstepError {
  const { rate } = optimizer;
  const remedy = `try a smaller learning rate (--lr ${shorter(rate / 10)} instead of ${shorter(rate)}) or less momentum`;
  return new LockstepError(
    'diverged',
    `training diverged at step ${steps + 1}: the numbers grew beyond all bounds; ${remedy}`,
  );
}
