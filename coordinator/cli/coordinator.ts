/** `lockstep coordinator`: trains on the workers that join over the network. */
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { LockstepError } from '../../shared/errors.js';
import { isToken } from '../../shared/protocol/handshake.js';
import { nodePlatform } from '../../worker/node-platform.js';
import { conduct } from '../conduct.js';
import { FleetSite } from '../fleet/site.js';
import { listen } from '../gateway.js';
import { Profiler } from '../profiler.js';
import { Access } from '../web/access.js';
import { WebServer } from '../web/web-server.js';
import { createLog, plural } from './log.js';
import type { RunOptions } from './options.js';
import { onInterrupt } from './signals.js';

export interface CoordinatorOptions extends RunOptions {
  readonly host: string;
  readonly port: number;
  readonly minWorkers: number;
  readonly tokenFile?: string | undefined;
  readonly open: boolean;
  readonly allowHost: readonly string[];
}

/** In the run directory, readable by their owner alone. */
const joinFile = 'join-command';
const tokenFile = 'token';

/** Resolves with the exit code. */
export async function runCoordinator(options: CoordinatorOptions): Promise<number> {
  const log = createLog(options);
  const { logger } = log;
  const given = givenToken(options);
  const isOpen = given === null && (options.open || isLoopback(options.host));
  const profiler = options.profile ? new Profiler() : null;
  const platform = nodePlatform(profiler?.phases);
  const operatorToken = randomBytes(16).toString('hex');
  const access = new Access({ isOpen, operatorToken, hosts: [options.host, ...options.allowHost] });
  const web = new WebServer(access);
  const server = await listen(options.host, options.port, (request, response) => web.handle(request, response));
  if (isOpen && !isLoopback(options.host))
    logger.warn('anyone who reaches this port can join: --open asks for no token');
  let how = '';
  return conduct(options, log, platform, profiler, onInterrupt, {
    threads: 0,
    stranded: (stranded) =>
      stranded ? logger.warn(`no workers left: paused until one joins; ${how}`) : logger.info('going on'),
    open: async (setup, machine, events) => {
      const { minWorkers } = options;
      const token = isOpen ? null : (given ?? ownToken(events.directory));
      if (token !== null) access.admit(token);
      const site = new FleetSite({ server, access, minWorkers, platform, logger }, setup, machine, events);
      const command = joinCommand(options.host, site.port, token);
      how = announce(command, token !== null, join(events.directory, joinFile));
      logger.info({ host: options.host, port: site.port }, `waiting for ${plural(minWorkers, 'worker')}; ${how}`);
      await site.ready;
      return site;
    },
  });
}

/**
 * Says how to join. A command with a token in it goes to the terminal, where there is one, or else to a file that only
 * its owner can read: never to the log. Returns what the log may say.
 */
function announce(command: string, secret: boolean, file: string): string {
  if (!secret) return `join with:  ${command}`;
  if (process.stdout.isTTY) {
    process.stdout.write(`\n  Join a worker with:\n\n    ${command}\n\n`);
    return 'join with the command that was printed at the start';
  }
  writeFileSync(file, `${command}\n`, { mode: 0o600 });
  return `the command to join is in ${file}`;
}

/** The user's own, or null. */
function givenToken({ tokenFile }: CoordinatorOptions): string | null {
  const given = tokenFile === undefined ? process.env.LOCKSTEP_TOKEN : readToken(tokenFile);
  return given === undefined || given === '' ? null : checkedToken(given);
}

/** One for a run that was given none: when it goes on it has the same, so that its workers find in again. */
function ownToken(directory: string): string {
  const file = join(directory, tokenFile);
  if (existsSync(file)) return checkedToken(readToken(file));
  const token = randomBytes(16).toString('hex');
  writeFileSync(file, `${token}\n`, { mode: 0o600 });
  return token;
}

function readToken(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    throw new LockstepError('usage', `cannot read the token file: ${error instanceof Error ? error.message : error}`);
  }
}

/** Shorter ones could be guessed. */
const tokenLengthMin = 16;

/** It travels in a header of the handshake, where only such characters may stand. */
function checkedToken(token: string): string {
  if (token.length >= tokenLengthMin && isToken(token)) return token;
  throw new LockstepError(
    'usage',
    `a token has ${tokenLengthMin} to 128 letters, digits, or . _ ~ -: for example that of openssl rand -hex 16`,
  );
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\./.test(host);
}

function joinCommand(host: string, port: number, token: string | null): string {
  const shown = host === '0.0.0.0' || host === '::' ? ownAddress() : host;
  const address = `ws://${shown.includes(':') ? `[${shown}]` : shown}:${port}`;
  return token === null ? `npx lockstep worker ${address}` : `npx lockstep worker '${address}/#${token}'`;
}

/** An address under which other machines probably reach this one. */
function ownAddress(): string {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return all.find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? '127.0.0.1';
}
