/** `lockstep train`: coordinator and workers in one process, the workers on threads. */
import { nodePlatform } from '../../worker/node-platform.js';
import { Profiler } from '../profile/profiler.js';
import { conduct } from '../run/conduct.js';
import { createLog } from './log.js';
import type { RunOptions } from './options.js';
import { onInterrupt } from './signals.js';

export interface TrainOptions extends RunOptions {
  /** Compute threads. */
  readonly workers: number;
}

/** Resolves with the exit code. */
export async function runTrain(options: TrainOptions): Promise<number> {
  const log = createLog(options);
  const profiler = options.profile ? new Profiler() : null;
  return conduct(options, log, nodePlatform(profiler?.phases), profiler, onInterrupt, {
    threads: options.workers,
    open: async (setup, machine, { failed }) => {
      if (options.workers > setup.slots) {
        log.logger.warn(
          `${options.workers} workers share ${setup.slots} slots, so ${options.workers - setup.slots} have nothing to do: ` +
            `use a smaller --micro-batch, a larger --batch, or --workers ${setup.slots}`,
        );
      }
      await machine.start(failed);
      return {
        workers: options.workers,
        traffic: { bytesSent: 0, bytesReceived: 0 },
        stepStarted: () => {},
        evaluated: () => {},
        close: async () => machine.stop(),
      };
    },
  });
}
