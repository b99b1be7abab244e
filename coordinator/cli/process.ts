/** What the commands that conduct a run have in common: the platform of this process, and how it ends. */
import type { Logger } from 'pino';
import type { Platform } from '../../shared/compute/platform.js';
import { nodePlatform, startSpareThreads } from '../../worker/node-platform.js';
import type { Summary } from '../archive/config.js';
import { Profiler } from '../profile/profiler.js';
import { keepYoungGenerationSmall } from './engine.js';
import { chooseKernels } from './kernels.js';
import type { CommandOptions } from './options.js';

/**
 * The platform for a process that belongs to the command line: sets the engine's flags, and measures when asked to.
 * `spareThreads` threads start while the program looks for its kernels and its data.
 */
export async function preparePlatform(
  options: Pick<CommandOptions, 'profile' | 'kernels'>,
  logger: Logger,
  spareThreads = 0,
): Promise<{ readonly platform: Platform; readonly profiler: Profiler | null }> {
  const profiler = options.profile ? new Profiler() : null;
  keepYoungGenerationSmall();
  const spares = startSpareThreads(spareThreads, keepYoungGenerationSmall);
  const backend = await chooseKernels(options.kernels, logger);
  const profile = profiler?.phases;
  const platform = nodePlatform({ backend, profile, threadStarted: keepYoungGenerationSmall, spares });
  return { platform, profiler };
}

export function exitCodeOf({ stopReason }: Summary): number {
  return stopReason === 'interrupted' ? 130 : 0;
}
