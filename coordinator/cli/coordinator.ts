/** `lockstep coordinator`: trains on the workers that join over the network. */
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import type { Task } from '../../shared/compute/computer.js';
import type { Machine } from '../../shared/compute/machine.js';
import { LockstepError } from '../../shared/errors.js';
import { knownAnswer } from '../../shared/kernels/known-answer.js';
import { limits } from '../../shared/limits.js';
import { patience } from '../../shared/pool/member.js';
import { printableOf } from '../../shared/protocol/text.js';
import { nodePlatform } from '../../worker/node-platform.js';
import { conduct, type Site, type SiteEvents } from '../conduct.js';
import { Fleet } from '../fleet/fleet.js';
import type { MemberObserver } from '../fleet/remote-member.js';
import { Gateway } from '../gateway.js';
import type { RunSetup } from '../setup.js';
import { version } from '../version.js';
import { createLog, type Log, plural } from './log.js';
import type { RunOptions } from './options.js';
import { onInterrupt } from './signals.js';

export interface CoordinatorOptions extends RunOptions {
  readonly host: string;
  readonly port: number;
  readonly minWorkers: number;
  readonly tokenFile?: string | undefined;
  readonly open: boolean;
}

/** How long workers have to read the last message before their sockets are cut. */
const farewellMs = 2_000;
const tickMs = 100;

const farewells = {
  finished: 'the run is finished',
  interrupted: 'the run was interrupted',
  diverged: 'the run has diverged',
};

/** In the run directory, readable by its owner alone. */
const joinFile = 'join-command';

/** Resolves with the exit code. */
export async function runCoordinator(options: CoordinatorOptions): Promise<number> {
  const log = createLog(options);
  const token = tokenFor(options);
  return conduct(options, log, nodePlatform(), onInterrupt, {
    threads: 0,
    stranded: (stranded) =>
      stranded ? log.logger.warn('no workers left: paused until one joins') : log.logger.info('going on'),
    open: (setup, machine, events) => openSite(options, token, log, setup, machine, events),
  });
}

async function openSite(
  options: CoordinatorOptions,
  token: string | null,
  { logger }: Log,
  setup: RunSetup,
  machine: Machine,
  events: SiteEvents,
): Promise<Site> {
  const platform = nodePlatform();
  const fleet = new Fleet(
    {
      version,
      run: printableOf(events.runName, limits.nameLengthMax),
      data: {
        name: printableOf(setup.dataset.name, limits.nameLengthMax),
        shape: setup.dataset.train.shape,
        classes: setup.dataset.classes,
        train: setup.dataset.train.count,
        test: setup.dataset.test.count,
        sha256: setup.dataset.sha256,
      },
      kernels: platform.sha256(platform.kernels),
      knownAnswer: platform.sha256(knownAnswer(machine.kernels, machine.memory, machine.workspace.end)),
      heartbeatMs: patience.pingMs,
    },
    machine,
  );
  let workers = 0;
  let enough = () => {};
  const enoughJoined = new Promise<void>((resolve) => {
    enough = resolve;
  });
  const observer: MemberObserver = {
    joined: ({ id, name, hello }) => {
      workers += 1;
      logger.info(
        { worker: name, member: id, threads: hello?.threads, workers },
        `${name} joined (${workers} at work)`,
      );
      if (workers >= options.minWorkers) enough();
      if (workers === setup.slots + 1) {
        logger.warn(`more workers than slots (${setup.slots}): use a smaller --micro-batch or a larger --batch`);
      }
    },
    left: ({ id, name, wasMember }, error) => {
      if (wasMember) workers -= 1;
      const say = error === null ? logger.info.bind(logger) : logger.warn.bind(logger);
      say(
        { worker: name, member: id, workers, reason: error },
        `${name} left${error === null ? '' : `: ${error}`} (${workers} at work)`,
      );
    },
    diverged: () => events.diverged(),
  };
  const resultBytesMax = limits.headerBytesMax + 4 * machine.workspace.partialFloats + setup.run.test;
  const gateway = new Gateway(
    { host: options.host, port: options.port, token, resultBytesMax, nowMs: platform.nowMs },
    fleet,
    observer,
  );
  const port = await gateway.listen();
  const place = join(events.directory, joinFile);
  const how = announce(joinCommand(options.host, port, token), token !== null, place);
  if (options.open && !isLoopback(options.host))
    logger.warn('anyone who reaches this port can join: --open asks for no token');
  logger.info({ host: options.host, port }, `waiting for ${plural(options.minWorkers, 'worker')}; ${how}`);
  const timer = setInterval(() => {
    machine.pool.tick();
    gateway.tick();
  }, tickMs);
  events.interrupted.addEventListener('abort', enough);
  if (events.interrupted.aborted) enough();
  await enoughJoined;
  return {
    get workers() {
      return workers;
    },
    traffic: fleet.traffic,
    stepStarted: (task, next) => prefetch(gateway, task, next),
    close: async (reason) => {
      clearInterval(timer);
      await gateway.end(reason, false, farewells[reason], farewellMs);
    },
  };
}

/** Sends every member the samples that it will need for the next step, if it keeps its slots, while it computes. */
function prefetch(gateway: Gateway, task: Task, next: Task): void {
  for (const member of gateway.members) {
    for (const { shard, task: leased } of member.leased) if (leased === task) member.sendSamples(next, shard);
  }
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

/** Loopback needs no token; elsewhere one is made unless it is given or waived. */
function tokenFor({ host, tokenFile, open }: CoordinatorOptions): string | null {
  const given = tokenFile === undefined ? process.env.LOCKSTEP_TOKEN : readToken(tokenFile);
  if (given !== undefined && given !== '') return checkedToken(given);
  return open || isLoopback(host) ? null : randomBytes(16).toString('hex');
}

function readToken(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    throw new LockstepError('usage', `cannot read the token file: ${error instanceof Error ? error.message : error}`);
  }
}

/** It travels in a header of the handshake, where only such characters may stand. */
function checkedToken(token: string): string {
  if (/^[A-Za-z0-9._~-]{16,128}$/.test(token)) return token;
  throw new LockstepError(
    'usage',
    'a token has 16 to 128 letters, digits, or . _ ~ -: for example that of `openssl rand -hex 16`',
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
