/** `lockstep worker`: lends this machine's cores to a coordinator. */
import { LockstepError } from '../../shared/errors.js';
import { plural } from '../../shared/plural.js';
import { isToken, parseFragment } from '../../shared/protocol/handshake.js';
import { Random } from '../../shared/random.js';
import { nodePlatform } from '../../worker/node-platform.js';
import { NodeWorker } from '../../worker/node-worker.js';
import type { SessionStatus } from '../../worker/session.js';
import { version } from '../version.js';
import { keepYoungGenerationSmall } from './engine.js';
import { createLog, type LogConfig } from './log.js';
import { onInterrupt } from './signals.js';

export interface WorkerOptions extends LogConfig {
  readonly url: string;
  readonly threads: number;
  readonly name: string;
  readonly token?: string | undefined;
}

/** Resolves with the exit code. */
export async function runWorker(options: WorkerOptions): Promise<number> {
  const { logger } = createLog(options);
  const { url, token } = parseJoinAddress(options.url, options.token ?? (process.env.LOCKSTEP_TOKEN || undefined));
  keepYoungGenerationSmall();
  const platform = nodePlatform({ threadStarted: keepYoungGenerationSmall });
  const { name, threads } = options;
  const worker = new NodeWorker({
    url,
    token,
    session: { version, name, kind: 'node', threads, kernels: platform.kernelsSha256 },
    random: new Random(process.pid, Date.now() >>> 0),
    platform,
    onStatus: (status, lastError) => {
      const line = describe(status, url, threads, lastError);
      if (line !== null) logger.info({ state: status.state }, line);
    },
  });
  let interrupted = false;
  onInterrupt(() => {
    interrupted = true;
    logger.info('handing back what it holds; Ctrl-C again stops at once');
    worker.stop();
  });
  const { ok, message } = await worker.run();
  const { shards, bytesSent, bytesReceived } = worker.done;
  const log = ok ? logger.info.bind(logger) : logger.error.bind(logger);
  log({ shards, bytesSent, bytesReceived }, `${message.replace(/\.$/, '')}; computed ${plural(shards, 'shard')}`);
  return ok ? (interrupted ? 130 : 0) : 1;
}

/**
 * A join address: ws://, wss://, or the http:// link that a browser opens, with the token behind a #. The token never
 * becomes part of the URL that is sent.
 */
function parseJoinAddress(address: string, given: string | undefined): { url: string; token: string | null } {
  let url: URL;
  try {
    url = new URL(/^[a-z]+:\/\//i.test(address) ? address : `ws://${address}`);
  } catch {
    throw new LockstepError(
      'usage',
      `${address} is no address: use the one that the coordinator printed, ws://HOST:PORT`,
    );
  }
  const schemes: Record<string, string> = { 'ws:': 'ws:', 'wss:': 'wss:', 'http:': 'ws:', 'https:': 'wss:' };
  const scheme = schemes[url.protocol];
  if (scheme === undefined) throw new LockstepError('usage', `${address} must begin with ws:// or wss://`);
  if (given !== undefined && !isToken(given)) {
    throw new LockstepError(
      'usage',
      'a token has 1 to 128 letters, digits, or . _ ~ -: copy what the coordinator printed',
    );
  }
  const token = given ?? parseFragment(url.hash).token;
  return { url: `${scheme}//${url.host}/`, token };
}

/** A line for people; null for what need not be said. Repeated attempts are said once. */
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
