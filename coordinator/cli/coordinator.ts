/** `lockstep coordinator`: trains on threads of this process, and on the workers that join over the network. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { closeServer, Gateway, listen } from '../fleet/gateway.js';
import { FleetSite } from '../fleet/site.js';
import { nodeClock } from '../run/clock.js';
import { conduct } from '../run/conduct.js';
import { nodeMeans } from '../run/node-means.js';
import type { SiteRun } from '../run/site.js';
import { Access } from '../web/access.js';
import { RunControls } from '../web/controls.js';
import { Monitor } from '../web/monitor.js';
import { WebServer } from '../web/web-server.js';
import type { JoinPlace } from './describe.js';
import { announce, linksTo } from './links.js';
import { tellAll, toBar, toCollector, toLog, toProfiler } from './listeners.js';
import { createLog } from './log.js';
import type { CommandOptions } from './options.js';
import { exitCodeOf, preparePlatform } from './process.js';
import { onInterrupt } from './signals.js';
import { checkedToken, givenToken, isLoopback, newToken, readToken } from './tokens.js';

export interface CoordinatorOptions extends CommandOptions {
  readonly host: string;
  readonly port: number;
  /** Compute threads. */
  readonly threads: number;
  /** Undefined: none where this process computes, otherwise the first worker. */
  readonly minWorkers?: number | undefined;
  readonly tokenFile?: string | undefined;
  readonly open: boolean;
  readonly allowHost: readonly string[];
  /** Undefined: only when the output is a terminal. */
  readonly stay?: boolean | undefined;
}

/** In the run directory. Only the owner can read the file. */
const tokenFile = 'token';

/** Time that viewers and downloads get to finish when the coordinator ends. */
const closingMs = 2_000;

/** Resolves with the exit code. */
export async function runCoordinator(options: CoordinatorOptions): Promise<number> {
  const log = await createLog(options);
  const { host, threads } = options;
  const { platform, profiler } = await preparePlatform(options, log.logger, threads);
  const { nowMs } = platform;
  // Without threads of its own, nothing happens before the first worker has joined.
  const minWorkers = Math.max(options.minWorkers ?? 0, threads > 0 ? 0 : 1);
  const given = givenToken(options.tokenFile);
  const isOpen = given === null && (options.open || isLoopback(host));
  const operatorToken = newToken();
  const access = new Access({ isOpen, operatorToken, hosts: [host, ...options.allowHost] });
  const monitor = new Monitor({ workersMin: minWorkers, clock: Date.now, nowMs });
  let place: JoinPlace | null = null;
  const emit = tellAll([
    toLog(log, () => place),
    toBar(log),
    toCollector,
    toProfiler(profiler),
    (event) => monitor.heard(event),
  ]);
  const controls = new RunControls(monitor, emit);
  const web = new WebServer({ access, run: () => monitor.viewed, controls, nowMs });
  const server = await listen(host, options.port, (request, response) => web.handle(request, response));
  const gateway = new Gateway(server, access);
  const wish = new AbortController();
  onInterrupt(() => wish.abort());
  if (isOpen && !isLoopback(host)) log.logger.warn('anyone who reaches this port can join: --open asks for no token');
  const open = (run: SiteRun) => {
    const token = isOpen ? null : (given ?? ownToken(run.directory));
    if (token !== null) access.admit(token);
    const site = new FleetSite({ entrance: gateway, minWorkers, platform, clock: nodeClock }, run);
    const { port } = gateway;
    const links = linksTo({ host, port, token, operatorToken });
    monitor.opened(site, links.shown);
    place = { host, port, how: announce(links, run.directory) };
    return site;
  };
  try {
    const site = { threads, serves: true, open };
    const summary = await conduct(options, { ...nodeMeans, platform, site, wish: wish.signal, emit });
    if (options.stay ?? process.stdout.isTTY) await stay(wish.signal, log.logger);
    return exitCodeOf(summary);
  } finally {
    log.bar?.stop();
    web.close();
    await closeServer(server, closingMs);
  }
}

/** Waits until the user wants the program to end. Returns at once if the user already does. */
async function stay(wish: AbortSignal, logger: Logger): Promise<void> {
  if (wish.aborted) return;
  logger.info('the dashboard stays where it is, with the model and the metrics; Ctrl-C ends it');
  await new Promise((resolve) => wish.addEventListener('abort', resolve));
}

/** Makes a token for a run that was given none, or reads the one from last time, so that its workers can come back. */
function ownToken(directory: string): string {
  const file = join(directory, tokenFile);
  if (existsSync(file)) return checkedToken(readToken(file));
  const token = newToken();
  writeFileSync(file, `${token}\n`, { mode: 0o600 });
  return token;
}
