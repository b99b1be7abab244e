/** `lockstep train`: trains on threads of this process. */
import { plural } from '../../shared/plural.js';
import type { EarlyReading } from '../data/early.js';
import type { LoadOptions } from '../data/load.js';
import { conduct } from '../run/conduct.js';
import { localSite } from '../run/local-site.js';
import { nodeMeans } from '../run/node-means.js';
import { tellAll, toBar, toCollector, toLog, toProfiler } from './listeners.js';
import { createLog } from './log.js';
import type { CommandOptions } from './options.js';
import { exitCodeOf, preparePlatform } from './process.js';
import { onInterrupt } from './signals.js';

export interface TrainCommandOptions extends CommandOptions {
  /** Compute threads. */
  readonly workers: number;
}

/** Resolves with the exit code. `early` is the reading of the data set, where it has begun already. */
export async function runTrain(options: TrainCommandOptions, early: EarlyReading | undefined): Promise<number> {
  const log = await createLog(options);
  const { workers } = options;
  // The thread of this program computes too, in all but the largest models.
  const { platform, profiler } = await preparePlatform(options, log.logger, workers - 1);
  const { description: kernels } = platform.backend;
  log.logger.info({ workers, kernels }, `${plural(workers, 'thread')}, kernels ${kernels}`);
  const wish = new AbortController();
  onInterrupt(() => wish.abort());
  const emit = tellAll([toLog(log), toBar(log), toCollector, toProfiler(profiler)]);
  try {
    const site = localSite(workers);
    const loadDataset = (asked: LoadOptions) => nodeMeans.loadDataset({ ...asked, early });
    return exitCodeOf(await conduct(options, { ...nodeMeans, loadDataset, platform, site, wish: wish.signal, emit }));
  } finally {
    log.bar?.stop();
  }
}
