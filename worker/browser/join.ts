/**
 * The library: any web page can lend its visitors' cores to a Lockstep coordinator, once they have agreed.
 *
 *     import { joinCluster } from 'http://COORDINATOR:8080/join.js';
 *     const worker = joinCluster({ url: 'http://COORDINATOR:8080/', onStatus: (status) => console.log(status) });
 *     worker.pause(); worker.resume(); worker.setThreads(2); worker.leave();
 *
 * Nothing is computed on the page's own thread, and nothing stays behind after `leave`. A page of another site than the
 * coordinator's must be allowed there: `lockstep coordinator --allow-host SITE`. See example.html.
 */
import { limits } from '../../shared/limits.js';
import { isToken, parseFragment } from '../../shared/protocol/handshake.js';
import { browserName } from './browser-name.js';
import { moduleWorker } from './module-worker.js';
import type { FromSession, JoinStatus, ToSession } from './status.js';

export type { JoinState, JoinStatus } from './status.js';

export interface JoinOptions {
  /** Of the coordinator: http://, https://, ws:// or wss://. */
  readonly url: string | URL;
  /** What the coordinator asks for; by default what follows the # of `url`. */
  readonly token?: string | null;
  /** Cores to lend; by default half of them. */
  readonly threads?: number;
  /** As which the coordinator lists this tab; by default the browser's. */
  readonly name?: string;
  /** Called a few times a second. */
  readonly onStatus?: (status: JoinStatus) => void;
}

export interface JoinedCluster {
  /** Hands back what it computes, and computes nothing until `resume`. */
  pause(): void;
  /** Joins again after a pause, or after the run has ended or refused this tab. */
  resume(): void;
  setThreads(threads: number): void;
  /** Ends the stay for good. */
  leave(): void;
}

/** How long a worker that leaves has to say so. */
const farewellMs = 2_000;

/** Half of the machine's cores, at least one. */
export function defaultThreads(): number {
  return Math.max(1, Math.floor(navigator.hardwareConcurrency / 2));
}

/** Joins at once. Throws a TypeError when the address or the token cannot be one. */
export function joinCluster(options: JoinOptions): JoinedCluster {
  const { url, token } = addressOf(options);
  const { onStatus = () => {}, threads = defaultThreads(), name = browserName(navigator.userAgent) } = options;
  const session = moduleWorker(new URL('./join-session.js', import.meta.url), 'lockstep session');
  const send = (message: ToSession) => session.postMessage(message);
  const reports = new AbortController();
  const report = ({ data }: MessageEvent<FromSession>) => {
    if (data.state === 'left') reports.abort();
    onStatus(data);
  };
  session.addEventListener('message', report, { signal: reports.signal });
  send({ type: 'start', url, token, threads: threadsOf(threads), name: name.slice(0, limits.nameLengthMax) });
  const stopWatching = watchForWaking(() => send({ type: 'wake' }));
  return {
    pause: () => send({ type: 'pause' }),
    resume: () => send({ type: 'resume' }),
    setThreads: (count) => send({ type: 'threads', threads: threadsOf(count) }),
    leave: () => {
      stopWatching();
      send({ type: 'leave' });
      setTimeout(() => session.terminate(), farewellMs);
    },
  };
}

function addressOf({ url, token }: JoinOptions): { url: string; token: string | null } {
  const address = new URL(url, location.href);
  const given = token === undefined ? parseFragment(address.hash).token : token;
  if (given !== null && !isToken(given)) throw new TypeError('a token has letters, digits, and . _ ~ - only');
  const isSecure = address.protocol === 'https:' || address.protocol === 'wss:';
  return { url: `${isSecure ? 'wss' : 'ws'}://${address.host}/`, token: given };
}

function threadsOf(threads: number): number {
  return Math.min(Math.max(1, Math.floor(threads) || 1), limits.threadsMax);
}

/** Calls back whenever a lost coordinator may be there again. Returns what ends that. */
function watchForWaking(wake: () => void): () => void {
  const shown = () => {
    if (document.visibilityState === 'visible') wake();
  };
  const stop = new AbortController();
  const { signal } = stop;
  document.addEventListener('visibilitychange', shown, { signal });
  addEventListener('pageshow', wake, { signal });
  addEventListener('online', wake, { signal });
  return () => stop.abort();
}
