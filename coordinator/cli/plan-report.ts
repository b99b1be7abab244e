/** What `lockstep plan` prints: for people in at most 80 columns, for programs as JSON. Pure. */
import { grouped, percent } from '../../shared/figures.js';
import { plural } from '../../shared/plural.js';
import type { Bound, PlannedFleet, PlannedRun } from '../plan/run-plan.js';
import { wrapped } from './wrapped.js';

/** Where the speed of a device comes from. */
export type SpeedSource = 'measured' | 'given';

export function planJson(plan: PlannedRun): string {
  return `${JSON.stringify(plan)}\n`;
}

export function planText(plan: PlannedRun, source: SpeedSource): string {
  return `${[headLines(plan, source), tableLines(plan), adviceLines(plan)].map((lines) => lines.join('\n')).join('\n\n')}\n`;
}

function headLines({ request, work, aloneSeconds, accuracy }: PlannedRun, source: SpeedSource): string[] {
  const { preset, epochs, device, link } = request;
  const { samplesPerSecond, threads } = device;
  const origin = source === 'given' ? 'as you say' : `measured here, ${plural(threads, 'thread')}`;
  const reached = accuracy === null ? '' : `, ${percent(accuracy)} on MNIST`;
  return [
    `${preset}: ${grouped(work.parameters)} parameters; ${grouped(work.samples)} samples a step, in ${plural(work.slots, 'slot')}`,
    `One device alone: ${grouped(Math.round(samplesPerSecond))} samples/s (${origin}), ${duration(aloneSeconds)}`,
    `A run: ${plural(epochs, 'epoch')}${reached}`,
    `Network: a link of ${link.mbps} Mbit/s that all devices share, ${link.rttMs} ms for a round trip`,
  ];
}

const titles = ['devices', 'samples/s', 'alone', 'step ms', 'compute', 'handle', 'bytes', 'run', 'MB each'];
const widths = [7, 10, 7, 9, 9, 8, 9, 9, 9];

function tableLines({ fleets }: PlannedRun): string[] {
  const row = (cells: readonly string[]) => cells.map((cell, i) => cell.padStart(widths[i])).join('');
  return [row(titles), ...fleets.map((fleet) => row(cells(fleet)))];
}

function cells(fleet: PlannedFleet): string[] {
  const { devices, samplesPerSecond, timesAlone, stepMs, computeMs, handlingMs, transferMs } = fleet;
  return [
    String(devices),
    grouped(Math.round(samplesPerSecond)),
    `${timesAlone.toFixed(2)} x`,
    ...[stepMs, computeMs, handlingMs, transferMs].map((ms) => ms.toFixed(ms < 10 ? 2 : 1)),
    duration(fleet.runSeconds),
    megabytes(fleet.runBytesPerDevice),
  ];
}

const bounds: Readonly<Record<Bound, string>> = {
  compute: 'computing',
  handling: 'sending and receiving, on the processors',
  transfer: 'the bytes on the link',
  latency: 'the round trip',
};

function adviceLines({ request, work, best, bound, change }: PlannedRun): string[] {
  const { fleet } = request;
  const advice = [
    `Best: ${plural(best.devices, 'device')}, ${best.timesAlone.toFixed(2)} times as fast as one alone. ` +
      `A step takes the longest for ${bounds[bound]}.`,
  ];
  if (fleet !== null && fleet > work.slots) {
    advice.push(
      `${grouped(fleet)} devices share ${plural(work.slots, 'slot')}, so ${grouped(fleet - work.slots)} have nothing to do: use a smaller ` +
        '--micro-batch or a larger --batch.',
    );
  }
  if (best.timesAlone < 1) {
    advice.push('One device alone is faster than any fleet of them: use `lockstep train` on the fastest one.');
  }
  if (change !== null) {
    advice.push(
      `--batch ${change.batch} computes more for the same bytes: ${change.timesAlone.toFixed(2)} times as fast as one alone, ` +
        `with ${plural(change.devices, 'device')}. It needs settings of its own to reach the same accuracy.`,
    );
  }
  return advice.flatMap((text) => wrapped(text.split(' ')));
}

/** A time as people say it: 12 s, 3.4 min, 2.1 h. */
function duration(seconds: number): string {
  if (seconds < 100) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
  if (seconds < 6000) return `${(seconds / 60).toFixed(1)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}

function megabytes(bytes: number): string {
  const value = bytes / 1e6;
  return value < 10 ? value.toFixed(1) : grouped(Math.round(value));
}
