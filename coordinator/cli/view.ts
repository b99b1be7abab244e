/** `lockstep view`: the dashboard of run directories, finished or being written, read from their files. */
import { once } from 'node:events';
import type { RequestListener, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { LockstepError } from '../../shared/errors.js';
import { limits } from '../../shared/limits.js';
import { fragmentOf } from '../../shared/protocol/handshake.js';
import { nodePlatform } from '../../worker/node-platform.js';
import { nodeProcesses } from '../archive/lock.js';
import { closeServer, listen } from '../fleet/gateway.js';
import { ThreadEvaluator } from '../view/evaluator.js';
import { newestRun } from '../view/newest-run.js';
import { faultsOf, isShown, openViews, serveViews } from '../view/open-views.js';
import { nodeReadableFiles } from '../view/readable-files.js';
import type { ViewedDirectory } from '../view/viewed-directory.js';
import { Access } from '../web/access.js';
import { addressOf } from './links.js';
import { onInterrupt } from './signals.js';
import { givenToken, isLoopback, newToken } from './tokens.js';

export interface ViewOptions {
  /** The run directories. If there are none, the newest one under `runs` is shown. */
  readonly runs: readonly string[];
  readonly data?: string | undefined;
  readonly host: string;
  /** Default: 8081, or any free port if 8081 is in use. */
  readonly port?: number | undefined;
  readonly tokenFile?: string | undefined;
  readonly open: boolean;
  readonly allowHost: readonly string[];
}

const portDefault = 8081;

/** How long pages and downloads have when the viewer goes. */
const closingMs = 2_000;

/** Resolves with the exit code, after Ctrl-C. */
export async function runView(options: ViewOptions): Promise<number> {
  const { host, open, allowHost, data = null } = options;
  const paths = await pathsOf(options);
  const wish = new AbortController();
  onInterrupt(() => wish.abort());
  const { backend, nowMs } = nodePlatform();
  const evaluator = new ThreadEvaluator(backend.handOver);
  const views = await openViews(paths, nodeReadableFiles, nodeProcesses, { evaluator, data, clock: Date.now });
  for (const fault of faultsOf(views)) process.stderr.write(`lockstep: ${fault}\n`);

  const given = givenToken(options.tokenFile);
  const token = given ?? (open || isLoopback(host) ? null : newToken());
  // A recorded run has no controls, so this token is not shown.
  const access = new Access({ isOpen: token === null, operatorToken: newToken(), hosts: [host, ...allowHost] });
  if (token !== null) access.admit(token);
  const served = serveViews(views, access, nowMs);
  const server = await listenSomewhere(host, options.port, served.handle);
  const { port } = server.address() as AddressInfo;
  process.stdout.write(
    announcement(paths, `http://${addressOf(host, port)}/${fragmentOf({ token, operatorToken: null })}`),
  );
  for (const view of views.filter(isShown)) void follow(view, wish.signal);

  if (!wish.signal.aborted) await once(wish.signal, 'abort');
  served.close();
  await Promise.all([closeServer(server, closingMs), evaluator.close()]);
  return 0;
}

async function pathsOf({ runs }: ViewOptions): Promise<readonly string[]> {
  if (runs.length === 0) return [await newestRun('runs')];
  if (runs.length <= limits.viewedRunsMax) return runs;
  throw new LockstepError('usage', `one view shows at most ${limits.viewedRunsMax} runs, and these are ${runs.length}`);
}

/** Another program on the usual port is no reason to fail, unless the user chose that port. */
async function listenSomewhere(host: string, port: number | undefined, answer: RequestListener): Promise<Server> {
  if (port !== undefined) return listen(host, port, answer);
  return listen(host, portDefault, answer).catch(() => listen(host, 0, answer));
}

function announcement(paths: readonly string[], link: string): string {
  const what = paths.length === 1 ? paths[0] : `${paths.length} runs`;
  return `View of ${what}, read from its files; Ctrl-C ends it:\n\n  ${link}\n\n`;
}

/** Looks at a run's files again and again. */
async function follow(view: ViewedDirectory, wish: AbortSignal): Promise<void> {
  while (!wish.aborted) {
    await delay(limits.viewEveryMs, undefined, { signal: wish }).catch(() => {});
    await view.look();
  }
}
