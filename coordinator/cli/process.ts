/** What the commands that conduct a run have in common: the platform of this process, and how it ends. */
import type { Platform } from '../../shared/compute/platform.js';
import { nodePlatform } from '../../worker/node-platform.js';
import type { Summary } from '../archive/config.js';
import { Profiler } from '../profile/profiler.js';
import { keepYoungGenerationSmall } from './engine.js';
import type { CommandOptions } from './options.js';

/** The platform for a process that belongs to the command line: sets the engine's flags, and measures when asked to. */
export function preparePlatform({ profile }: Pick<CommandOptions, 'profile'>): {
  readonly platform: Platform;
  readonly profiler: Profiler | null;
} {
  const profiler = profile ? new Profiler() : null;
  keepYoungGenerationSmall();
  return { platform: nodePlatform({ profile: profiler?.phases, threadStarted: keepYoungGenerationSmall }), profiler };
}

export function exitCodeOf({ stopReason }: Summary): number {
  return stopReason === 'interrupted' ? 130 : 0;
}
