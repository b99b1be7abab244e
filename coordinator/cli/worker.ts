/** `lockstep worker`: lends this machine's cores to a coordinator. */
import { plural } from '../../shared/plural.js';
import { parseJoinAddress } from '../../worker/join-address.js';
import { joinRun } from '../../worker/library.js';
import type { KernelsWish } from '../../worker/native/wish.js';
import { nodePlatform } from '../../worker/node-platform.js';
import type { SessionStatus } from '../../worker/session-events.js';
import { keepYoungGenerationSmall } from './engine.js';
import { chooseKernels } from './kernels.js';
import { createLog, type LogConfig } from './log.js';
import { onInterrupt } from './signals.js';

export interface WorkerOptions extends LogConfig {
  readonly kernels?: KernelsWish | undefined;
  readonly url: string;
  readonly threads: number;
  readonly name: string;
  readonly token?: string | undefined;
}

/** Resolves with the exit code. */
export async function runWorker(options: WorkerOptions): Promise<number> {
  const { logger } = await createLog(options);
  const token = options.token ?? (process.env.LOCKSTEP_TOKEN || undefined);
  const { url } = parseJoinAddress(options.url, token);
  const { name, threads } = options;
  const backend = await chooseKernels(options.kernels, logger);
  const leaving = new AbortController();
  onInterrupt(() => {
    logger.info('handing back what it holds; Ctrl-C again stops at once');
    leaving.abort();
  });
  keepYoungGenerationSmall();
  const platform = nodePlatform({ backend, threadStarted: keepYoungGenerationSmall });
  const { description: kernels } = platform.backend;
  const { ok, message, shards, bytesSent, bytesReceived } = await joinRun(options.url, {
    token,
    threads,
    name,
    signal: leaving.signal,
    platform,
    onStatus: (status, lastError) => {
      const line = describe(status, url, threads, lastError);
      if (line !== null) logger.info({ state: status.state, kernels }, line);
    },
  });
  const log = ok ? logger.info.bind(logger) : logger.error.bind(logger);
  log({ shards, bytesSent, bytesReceived }, `${message.replace(/\.$/, '')}; computed ${plural(shards, 'shard')}`);
  return ok ? (leaving.signal.aborted ? 130 : 0) : 1;
}

/** A line for people, or null when there is nothing new. Repeated attempts are reported once. */
function describe(status: SessionStatus, url: string, threads: number, lastError: string | null): string | null {
  switch (status.state) {
    case 'connecting':
      return null;
    case 'joined':
      return `joined ${status.run} at ${url} as member ${status.member}, lending ${plural(threads, 'thread')}; Ctrl-C leaves`;
    case 'waiting': {
      if (!status.firstAttempt) return null;
      const why = lastError === null ? '' : ` (${lastError})`;
      return `${status.wasJoined ? 'lost the coordinator' : `cannot reach ${url}`}${why}; trying again until it answers, Ctrl-C stops`;
    }
    default:
      return status satisfies never;
  }
}
