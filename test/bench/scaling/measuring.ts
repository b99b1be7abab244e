/** Trains on slow hosts, or on one slow device alone, and reads the figures from the run directory. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { MetricsLine, Summary } from '../../../coordinator/archive/config.js';
import { type Context, readable } from '../context.js';
import { FleetOfHosts } from '../hosts/fleet-of-hosts.js';
import type { NetworkKind } from '../hosts/links.js';
import { findController, Quota } from '../hosts/quota.js';
import { endless, inRun, interrupted, lockstep, summaryOf } from '../lockstep.js';
import { parseMetrics, settledRates } from '../metrics.js';
import { type Command, Running } from '../processes.js';
import { lastStep } from '../samplers.js';
import { median } from '../statistics.js';
import type { Subject } from './subjects.js';

/** The part of a core that each device has. It computes about as fast as an old phone. */
export const share = 0.15;
/** Kills a program that does not end. It has a long start and a long end within its quota. */
const endingMs = 60_000;
const lookMs = 100;

/** All of this machine; one slow device without any network; or this many slow workers on a network. */
export type Devices = 'machine' | 'alone' | { readonly network: NetworkKind; readonly workers: number };

/** What all measurements have in common. */
export interface Measuring {
  readonly context: Context;
  /** More options of `lockstep coordinator`. */
  readonly coordinator: readonly (string | number)[];
  /** Samples per second, and the time to the accuracy, by the name of what was measured. */
  readonly speeds: Map<string, number>;
  readonly seconds: Map<string, number>;
}

/** A name for what is measured. */
export function nameOf({ name }: Pick<Subject, 'name'>, devices: Devices): string {
  if (typeof devices === 'string') return `${name}, ${devices}`;
  return `${name}, ${devices.workers} on ${devices.network.name}`;
}

export interface Figures {
  readonly samplesPerSecond: number;
  /** Received and sent, per step and device: the median of the steps. Evaluations come on top of some steps. */
  readonly bytesPerStep: number;
  /** The whole run: received and sent, per device. */
  readonly bytes: number;
  /** Of training, with evaluations and samples, without the start of the programs. */
  readonly seconds: number;
  /** Number of updates. */
  readonly steps: number;
  /** Null for a run that was interrupted before its target. */
  readonly weightsSha256: string | null;
}

export interface Asked {
  readonly subject: Subject;
  readonly devices: Devices;
  /** Options about the end of the run. */
  readonly until: readonly (string | number)[];
  /** Ctrl-C comes this long after the first step. */
  readonly secondsMax: number;
  /** The last seconds of that count for the speed. */
  readonly seconds: number;
}

/** The speed after a warm-up. */
export function speed(measuring: Measuring, subject: Subject, devices: Devices): Promise<Figures> {
  const { warmUp, measured } = measuring.context.quick ? { warmUp: 4, measured: 2 } : { warmUp: 20, measured: 10 };
  return trained(measuring, { subject, devices, until: endless, secondsMax: warmUp + measured, seconds: measured });
}

/** Trains until the accuracy of the subject is reached, but not for longer than `secondsMax`. */
export function reach(measuring: Measuring, subject: Subject, devices: Devices, secondsMax: number): Promise<Figures> {
  const { accuracy, epochs } = subject;
  const until = ['--target-accuracy', accuracy ?? 1, ...(epochs === undefined ? [] : ['--epochs', epochs])];
  return trained(measuring, { subject, devices, until, secondsMax, seconds: secondsMax / 3 });
}

/** The options of a run, as the report shows them. */
export function runWords(context: Context, { preset, options }: Subject, until: Asked['until'], out: string) {
  const how = ['--log-format', 'json', '--checkpoint-every', 3600, '--data', context.mnist.directory];
  return ['--preset', preset, ...options, ...until, ...how, '--out', out];
}

function trained({ context, coordinator }: Measuring, asked: Asked): Promise<Figures> {
  return inRun(context.scratch, async (out) => {
    const { devices } = asked;
    const words = runWords(context, asked.subject, asked.until, out);
    if (devices === 'machine') await ended(new Running({ words: lockstep('train', ...words) }), out, asked);
    else if (devices === 'alone') await alone(words, out, asked);
    else await fleet([...coordinator, ...words], out, asked, devices);
    return figuresOf(out, asked);
  });
}

async function alone(words: readonly (string | number)[], out: string, asked: Asked): Promise<void> {
  const controller = findController();
  if (controller === null) throw new Error('there is no control group for the processor');
  const quota = new Quota(controller, `lockstep-${process.pid}-alone`, share);
  try {
    const command = { words: quota.words(lockstep('train', '--workers', 1, ...words)) };
    await ended(new Running(command), out, asked);
  } finally {
    quota.remove();
  }
}

async function fleet(
  words: readonly (string | number)[],
  out: string,
  asked: Asked,
  { network, workers }: Exclude<Devices, string>,
): Promise<void> {
  const hosts = new FleetOfHosts(network, workers, share);
  const running: Running[] = [];
  const start = (command: Command) => {
    running.push(new Running(command));
    return running[running.length - 1];
  };
  try {
    const listening = ['--host', '0.0.0.0', '--open', '--port', hosts.port, '--min-workers', workers];
    const coordinator = start(hosts.atCoordinator({ words: lockstep('coordinator', ...listening, ...words) }));
    await coordinator.prints(/waiting for \d+ worker/);
    for (let i = 0; i < workers; i++) {
      const name = ['--threads', 1, '--name', `device-${i + 1}`, '--log-format', 'json'];
      start(hosts.atWorker(i, { words: lockstep('worker', hosts.url, ...name) }));
    }
    await ended(coordinator, out, asked);
  } finally {
    for (const each of running) each.kill('SIGKILL');
    await Promise.all(running.map((each) => each.ended));
    hosts.close();
  }
}

/** Waits until the run ends. Interrupts it when its time is up, which begins with its first step. */
async function ended(running: Running, out: string, { secondsMax }: Asked): Promise<void> {
  let isOver = false;
  void running.ended.then(() => (isOver = true));
  const begun = performance.now();
  while (!isOver && (await lastStep(join(out, 'metrics.jsonl'))) === 0) {
    if (performance.now() - begun > endingMs) running.kill('SIGKILL');
    await sleep(lookMs);
  }
  const { code, stderr } = await running.end({
    interruptAfterMs: 1000 * secondsMax,
    timeoutMs: 1000 * secondsMax + endingMs,
  });
  if (code !== 0 && code !== interrupted) throw new Error(`the run ended with ${code}: ${stderr.trim()}`);
}

function figuresOf(out: string, { subject, devices, seconds }: Asked): Figures {
  const path = join(out, 'metrics.jsonl');
  const lines = existsSync(path) ? parseMetrics(readFileSync(path, 'utf8')) : [];
  if (lines.length < 2) throw new Error('no step was made');
  const summary = summaryOf(out);
  const workers = typeof devices === 'string' ? 1 : devices.workers;
  return {
    samplesPerSecond: median(settledRates(lines, subject.batch, seconds)),
    bytesPerStep: bytesOf(lines.slice(lines.length >> 1)) / workers,
    bytes: total(lines[lines.length - 1]) / workers,
    seconds: summary.seconds,
    steps: summary.steps,
    weightsSha256: reachedWeights(summary),
  };
}

function total({ bytesSent, bytesReceived }: MetricsLine): number {
  return bytesSent + bytesReceived;
}

/** The bytes of a step on all links together. */
function bytesOf(lines: readonly MetricsLine[]): number {
  const each = lines.slice(1).map((line, i) => total(line) - total(lines[i]));
  return each.length === 0 ? 0 : median(each);
}

function reachedWeights({ stopReason, weightsSha256 }: Summary): string | null {
  return stopReason === 'target-accuracy' ? weightsSha256 : null;
}

/** The commands of one device and of a fleet, for the report. */
export function commandsOf(context: Context, subject: Subject): string[] {
  const words = runWords(context, subject, endless, join(context.scratch, 'run'));
  return [
    lockstep('train', '--workers', 1, ...words),
    lockstep('coordinator', '--host', '0.0.0.0', '--open', '--min-workers', 8, ...words),
  ].map((each) => readable({ words: each }, context));
}
