/**
 * A library for web pages. With it, a page can lend its visitors' cores to a Lockstep coordinator, once they have
 * agreed.
 *
 *     import { joinCluster } from 'http://COORDINATOR:8080/join.js';
 *     const worker = joinCluster({ url: 'http://COORDINATOR:8080/', onStatus: (status) => console.log(status) });
 *     worker.pause(); worker.resume(); worker.setThreads(2); worker.leave();
 *
 * The library computes nothing on the page's own thread. After `leave`, nothing of it remains on the page. If the page
 * belongs to another site than the coordinator, the coordinator must allow that site:
 * `lockstep coordinator --allow-host SITE`. See example.html.
 */
import { limits } from '../../shared/limits.js';
import { isToken, parseFragment } from '../../shared/protocol/handshake.js';
import { browserName } from './browser-name.js';
import { deviceOf } from './device.js';
import { moduleWorker } from './module-worker.js';
import type { FromSession, JoinStatus, ToSession } from './status.js';

export type { JoinState, JoinStatus } from './status.js';

export interface JoinOptions {
  /** Address of the coordinator: http://, https://, ws:// or wss://. */
  readonly url: string | URL;
  /** The token that the coordinator requires. Default: the token after the # of `url`. */
  readonly token?: string | null;
  /** Number of cores to lend. Default: half of the machine's cores. */
  readonly threads?: number;
  /** The coordinator lists this tab under this name. Default: a name such as "Firefox on Linux". */
  readonly name?: string;
  /** Called about four times a second, and after every call of `pause`, `resume`, `setThreads` and `leave`. */
  readonly onStatus?: (status: JoinStatus) => void;
}

export interface JoinedCluster {
  /** Gives unfinished work back to the coordinator, and computes nothing until `resume`. */
  pause(): void;
  /** Joins again after a pause, after the run has ended, or after the coordinator has refused this tab. */
  resume(): void;
  setThreads(threads: number): void;
  /** Leaves the run for good. */
  leave(): void;
}

/** A leaving worker has this time to tell the coordinator. Then its thread is ended. */
const farewellMs = 2_000;

/** The default number of threads: half of the machine's cores, but at least one. */
export function defaultThreads(): number {
  return Math.max(1, Math.floor(navigator.hardwareConcurrency / 2));
}

/** Joins at once. Throws a TypeError if the address or the token is not valid. */
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
  const named = { name: name.slice(0, limits.nameLengthMax), device: deviceOf(localStorageOrNull()) };
  send({ type: 'start', url, token, threads: threadsOf(threads), ...named });
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

/** A visitor may have forbidden pages to store anything. Then the mere look is an error. */
function localStorageOrNull(): Storage | null {
  try {
    return localStorage;
  } catch {
    return null;
  }
}

function threadsOf(threads: number): number {
  return Math.min(Math.max(1, Math.floor(threads) || 1), limits.threadsMax);
}

/**
 * Calls `wake` on every event after which a lost coordinator may be reachable again: the page becomes visible, or the
 * network comes back. Returns a function that ends the watching.
 */
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
