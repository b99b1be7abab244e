/**
 * `import … from 'lockstep'`: train in a script, watch the events of a run, use what a run has left behind. LIBRARY.md
 * has examples. Importing this does nothing: no signal handlers, no flags of the engine, nothing on the terminal.
 */

import { nativeKernels } from '../worker/native/native-kernels.js';
import type { KernelsWish } from '../worker/native/wish.js';
import { nodePlatform } from '../worker/node-platform.js';
import type { Summary } from './archive/config.js';
import { conduct } from './run/conduct.js';
import { localSite } from './run/local-site.js';
import { nodeMeans } from './run/node-means.js';
import type { RunEvent } from './run/run-event.js';
import type { RunRequest } from './run/run-request.js';
import { type FinishedRun, openFinishedRun } from './view/finished-run.js';

export { LockstepError } from '../shared/errors.js';
export type { Model } from '../shared/model/model.js';
export type { ConfigFile, MetricsLine, Summary } from './archive/config.js';
export { type LoadedDataset, type LoadOptions, loadDataset } from './data/load.js';
export type { FormatName } from './export/export-format.js';
export { type Exported, type ExportRequest, exportModel } from './export/export-model.js';
export type { Fit } from './picture/fit.js';
export { readSamples } from './picture/read-samples.js';
export type { LiveRun } from './run/live-run.js';
export type { RunEvent, RunWarning } from './run/run-event.js';
export type { RunRequest } from './run/run-request.js';
export type { Classification, FinishedRun } from './view/finished-run.js';

export interface TrainOptions {
  /** Compute threads. Default: one for each core. */
  readonly workers?: number;
  /**
   * `auto` compiles the kernels for this processor once, if there is a C compiler, and uses WebAssembly otherwise.
   * `native` rejects with `kernels-unavailable` instead. Default: the variable LOCKSTEP_KERNELS, or `auto`.
   */
  readonly kernels?: KernelsWish;
  /** Aborted to end the run in good order, with a checkpoint, as Ctrl-C does at the command line. */
  readonly signal?: AbortSignal;
  /** Called with every event, in the middle of the run's work: it must return soon, and must not throw. */
  readonly onEvent?: (event: RunEvent) => void;
}

/**
 * Trains on threads of this process. Resolves with the summary, also of a run that was interrupted. Rejects with a
 * `LockstepError` where a run cannot begin, cannot go on, or diverges.
 */
export async function train(request: RunRequest, options: TrainOptions = {}): Promise<Summary> {
  const platform = nodePlatform({ backend: (await nativeKernels(options)) ?? undefined });
  const { workers = platform.cores, signal = new AbortController().signal, onEvent = () => {} } = options;
  return conduct(request, { ...nodeMeans, platform, site: localSite(workers), wish: signal, emit: onEvent });
}

/** Loads what a finished run has left in its directory. Rejects with `run-invalid`. */
export function openRun(directory: string): Promise<FinishedRun> {
  return openFinishedRun(directory, nodePlatform().backend);
}
