/** Trains on slow hosts, or on one slow device alone, and reads the figures from the run directory. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { MetricsLine, Summary } from '../../../coordinator/archive/config.js';
import type { PresetName } from '../../../shared/model/presets.js';
import { type Context, readable } from '../context.js';
import type { NetworkKind } from '../hosts/links.js';
import { findController, Quota } from '../hosts/quota.js';
import { endless, inRun, interrupted, lockstep, summaryOf } from '../lockstep.js';
import { parseMetrics } from '../metrics.js';
import { Running } from '../processes.js';
import { lastStep } from '../samplers.js';
import { RunningFleet } from './running-fleet.js';
import type { Settings, Subject } from './subjects.js';

/** The part of a core that each device has. It computes about as fast as an old phone. */
export const share = 0.15;
/** Kills a program that does not end. It has a long start and a long end within its quota. */
const endingMs = 60_000;
const lookMs = 50;

type Words = readonly (string | number)[];

/** A device like the others, which computes with one thread; or a fast machine that only serves. */
export type Coordinator = 'device' | 'server';

export interface Fleet {
  readonly network: NetworkKind;
  readonly workers: number;
  readonly coordinator: Coordinator;
}

/** All of this machine; one slow device without any network; or a fleet of slow devices. */
export type Devices = 'machine' | 'alone' | Fleet;

/** What all measurements have in common. */
export interface Measuring {
  readonly context: Context;
  /** Samples per second, and the time to the accuracy, by the name of what was measured. */
  readonly speeds: Map<string, number>;
  readonly seconds: Map<string, number>;
}

/** A name for what is measured. */
export function nameOf(what: string, devices: Devices): string {
  if (typeof devices === 'string') return `${what}, ${devices}`;
  return `${what}, ${devices.workers} on ${devices.network.name}, the coordinator is a ${devices.coordinator}`;
}

export interface Speed {
  readonly samplesPerSecond: number;
  /** Received and sent, per step, by all devices together. */
  readonly bytesPerStep: number;
}

/** A run to its end. */
export interface Trained {
  /** From the start of training, which is when all workers have joined, to the end of the last evaluation. */
  readonly seconds: number;
  /** Received and sent by all workers together. */
  readonly bytes: number;
  readonly summary: Summary;
}

interface Window {
  readonly from: number;
  readonly to: number;
}

function durations({ quick }: Context): { readonly warmUpMs: number; readonly measuredMs: number } {
  return quick ? { warmUpMs: 2_000, measuredMs: 2_000 } : { warmUpMs: 7_000, measuredMs: 5_000 };
}

/** The options of a run, as the report shows them. */
export function runWords(context: Context, preset: PresetName, options: Words, out: string): Words {
  const how = ['--log-format', 'json', '--checkpoint-every', 3600, '--data', context.mnist.directory];
  return ['--preset', preset, ...options, ...how, '--out', out];
}

/** The speed of one device alone. */
export function speedAlone({ context }: Measuring, { preset, options, batch }: Subject): Promise<Speed> {
  return inRun(context.scratch, async (out) => {
    const words = runWords(context, preset, [...options, ...endless], out);
    const windows: Window[] = [];
    await alone(words, async (running) => {
      windows.push(await measured(context, out));
      running.kill('SIGINT');
    });
    return speedsOf(out, batch, windows)[0];
  });
}

/** The speeds of a fleet that grows while it trains: one for each size. */
export function speedsGrowing(
  { context }: Measuring,
  { preset, options, batch }: Subject,
  { network, coordinator }: Omit<Fleet, 'workers'>,
  sizes: readonly number[],
): Promise<Speed[]> {
  return inRun(context.scratch, async (out) => {
    const words = runWords(context, preset, [...options, ...endless], out);
    const fleet = new RunningFleet(network, Math.max(...sizes), coordinator === 'device', share);
    const windows: Window[] = [];
    try {
      await fleet.open(words, 1);
      for (const size of sizes) {
        await fleet.growTo(size);
        windows.push(await measured(context, out));
      }
      fleet.coordinator.kill('SIGINT');
      await ended(fleet.coordinator);
    } finally {
      await fleet.close();
    }
    return speedsOf(out, batch, windows);
  });
}

/** Trains to the end that `until` says. */
export function train(
  { context }: Measuring,
  preset: PresetName,
  { options }: Settings,
  devices: Devices,
  until: Words,
): Promise<Trained> {
  return inRun(context.scratch, async (out) => {
    const words = runWords(context, preset, [...options, ...until], out);
    if (devices === 'machine') await ended(new Running({ words: lockstep('train', ...words) }));
    else if (devices === 'alone') await alone(words);
    else await together(words, devices);
    const lines = linesOf(out);
    const summary = summaryOf(out);
    return { seconds: summary.seconds, bytes: total(lines[lines.length - 1]), summary };
  });
}

async function alone(words: Words, watch?: (running: Running) => Promise<void>): Promise<void> {
  const controller = findController();
  if (controller === null) throw new Error('there is no control group for the processor');
  const quota = new Quota(controller, `lockstep-${process.pid}-alone`, share);
  try {
    const running = new Running({ words: quota.words(lockstep('train', '--workers', 1, ...words)) });
    await watch?.(running);
    await ended(running);
  } finally {
    quota.remove();
  }
}

async function together(words: Words, { network, workers, coordinator }: Fleet): Promise<void> {
  const fleet = new RunningFleet(network, workers, coordinator === 'device', share);
  try {
    await fleet.open(words, workers);
    await fleet.growTo(workers);
    await ended(fleet.coordinator);
  } finally {
    await fleet.close();
  }
}

/** Waits for the first step and the warm-up. Returns the steps of the time after that. */
async function measured(context: Context, out: string): Promise<Window> {
  const { warmUpMs, measuredMs } = durations(context);
  const path = join(out, 'metrics.jsonl');
  const last = performance.now() + endingMs;
  while ((await lastStep(path)) === 0) {
    if (performance.now() > last) throw new Error('no step was made');
    await sleep(lookMs);
  }
  await sleep(warmUpMs);
  const from = await lastStep(path);
  await sleep(measuredMs);
  return { from, to: await lastStep(path) };
}

async function ended(running: Running): Promise<void> {
  const { code, stderr } = await running.end({ timeoutMs: 4 * endingMs });
  if (code !== 0 && code !== interrupted) throw new Error(`the run ended with ${code}: ${stderr.trim()}`);
}

function linesOf(out: string): MetricsLine[] {
  return parseMetrics(readFileSync(join(out, 'metrics.jsonl'), 'utf8'));
}

/**
 * A quota lets a device run for a part of each period, so most steps are short and some are long: the mean time of the
 * steps counts.
 */
function speedsOf(out: string, batch: number, windows: readonly Window[]): Speed[] {
  const lines = linesOf(out);
  return windows.map(({ from, to }) => {
    // A step may be longer than the time in which it was looked for.
    const [first, last] = [Math.max(1, from), Math.max(to, from + 1)];
    const steps = lines.filter(({ step }) => step > first && step <= last);
    if (steps.length === 0) throw new Error('no step was made');
    const seconds = steps.reduce((sum, { samplesPerSecond }) => sum + batch / samplesPerSecond, 0);
    const bytes = total(steps[steps.length - 1]) - total(lines[first - 1]);
    return { samplesPerSecond: (steps.length * batch) / seconds, bytesPerStep: bytes / steps.length };
  });
}

function total({ bytesSent, bytesReceived }: MetricsLine): number {
  return bytesSent + bytesReceived;
}

/** The commands of one device and of a fleet, for the report. */
export function commandsOf(context: Context, preset: PresetName, options: Words): string[] {
  const words = runWords(context, preset, options, join(context.scratch, 'run'));
  return [
    lockstep('train', '--workers', 1, ...words),
    lockstep('coordinator', '--host', '0.0.0.0', '--open', '--min-workers', 1, ...words),
  ].map((each) => readable({ words: each }, context));
}
