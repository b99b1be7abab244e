/** `lockstep coordinator`: trains on the workers that join over the network. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { nodePlatform } from '../../worker/node-platform.js';
import { closeServer, listen } from '../fleet/gateway.js';
import { FleetSite } from '../fleet/site.js';
import { Profiler } from '../profile/profiler.js';
import { conduct, type SitePlan } from '../run/conduct.js';
import { Access } from '../web/access.js';
import { RunControls } from '../web/controls.js';
import { Monitor } from '../web/monitor.js';
import { WebServer } from '../web/web-server.js';
import { announce, linksTo } from './links.js';
import { createLog, plural } from './log.js';
import type { RunOptions } from './options.js';
import { onInterrupt } from './signals.js';
import { checkedToken, givenToken, isLoopback, newToken, readToken } from './tokens.js';

export interface CoordinatorOptions extends RunOptions {
  readonly host: string;
  readonly port: number;
  readonly minWorkers: number;
  readonly tokenFile?: string | undefined;
  readonly open: boolean;
  readonly allowHost: readonly string[];
  /** Undefined: in a terminal. */
  readonly stay?: boolean | undefined;
}

/** In the run directory, readable by its owner alone. */
const tokenFile = 'token';

/** How long viewers and downloads have when the coordinator goes. */
const closingMs = 2_000;

/** Resolves with the exit code. */
export async function runCoordinator(options: CoordinatorOptions): Promise<number> {
  const log = createLog(options);
  const { logger } = log;
  const { host, minWorkers } = options;
  const given = givenToken(options.tokenFile);
  const isOpen = given === null && (options.open || isLoopback(host));
  const operatorToken = newToken();
  const profiler = options.profile ? new Profiler() : null;
  const platform = nodePlatform(profiler?.phases);
  const { nowMs } = platform;
  const access = new Access({ isOpen, operatorToken, hosts: [host, ...options.allowHost] });
  const monitor = new Monitor({ workersMin: minWorkers, clock: Date.now, nowMs });
  log.onAlarm = (message) => monitor.alarm(message);
  const controls = new RunControls(monitor, logger);
  const web = new WebServer({ access, run: () => monitor.viewed, controls, nowMs });
  const server = await listen(host, options.port, (request, response) => web.handle(request, response));
  const wish = new AbortController();
  onInterrupt(() => wish.abort());
  if (isOpen && !isLoopback(host)) logger.warn('anyone who reaches this port can join: --open asks for no token');
  let how = '';
  const plan: SitePlan = {
    threads: 0,
    watcher: monitor,
    stranded: (stranded) =>
      stranded ? logger.warn(`no workers left: paused until one joins; ${how}`) : logger.info('going on'),
    open: async (setup, machine, events) => {
      const token = isOpen ? null : (given ?? ownToken(events.directory));
      if (token !== null) access.admit(token);
      const tell = monitor.tell.bind(monitor);
      const site = new FleetSite({ server, access, minWorkers, platform, logger, tell }, setup, machine, events);
      const links = linksTo({ host, port: site.port, token, operatorToken });
      monitor.opened(site, links.shown);
      controls.opened((member) => site.drop(member));
      how = announce(links, events.directory);
      logger.info({ host, port: site.port }, `waiting for ${plural(minWorkers, 'worker')}; ${how}`);
      await site.ready;
      return site;
    },
  };
  const onWish = (stop: () => void) => wish.signal.addEventListener('abort', stop);
  try {
    const exitCode = await conduct(options, log, platform, profiler, onWish, plan);
    if (options.stay ?? process.stdout.isTTY) await stay(wish.signal, logger);
    return exitCode;
  } finally {
    web.close();
    await closeServer(server, closingMs);
  }
}

/** Until the user wants to go; who has said so already does not wait. */
async function stay(wish: AbortSignal, logger: Logger): Promise<void> {
  if (wish.aborted) return;
  logger.info('the dashboard stays where it is, with the model and the metrics; Ctrl-C ends it');
  await new Promise((resolve) => wish.addEventListener('abort', resolve));
}

/** One for a run that was given none: when it goes on it has the same, so that its workers find in again. */
function ownToken(directory: string): string {
  const file = join(directory, tokenFile);
  if (existsSync(file)) return checkedToken(readToken(file));
  const token = newToken();
  writeFileSync(file, `${token}\n`, { mode: 0o600 });
  return token;
}
