/** What `lockstep plan` prints: for people in at most 80 columns, for programs as JSON. Pure. */
import { grouped, percent } from '../../shared/figures.js';
import { plural } from '../../shared/plural.js';
import type { Change } from '../plan/change.js';
import type { PlannedFleet, PlanRequest } from '../plan/planned-fleet.js';
import type { Bound, PlannedRun } from '../plan/run-plan.js';
import { wrapped } from './wrapped.js';

/** Where the speed of a device comes from. */
export type SpeedSource = 'measured' | 'given';

export function planJson(plan: PlannedRun): string {
  return `${JSON.stringify(plan)}\n`;
}

export function planText(plan: PlannedRun, source: SpeedSource): string {
  return `${[headLines(plan, source), tableLines(plan), adviceLines(plan)].map((lines) => lines.join('\n')).join('\n\n')}\n`;
}

function headLines(plan: PlannedRun, source: SpeedSource): string[] {
  const { epochs, device, link } = plan.request;
  const { samplesPerSecond, threads } = device;
  const origin = source === 'given' ? 'as you say' : `measured here, ${plural(threads, 'thread')}`;
  return [
    ...sizeLines(plan),
    `One device alone: ${grouped(Math.round(samplesPerSecond))} samples/s (${origin}), ${duration(plan.aloneSeconds)}`,
    `A run: ${plural(epochs, 'epoch')}${onMnist(plan.accuracy)}`,
    `Network: a link of ${link.mbps} Mbit/s that all devices share, ${link.rttMs} ms for a round trip`,
  ];
}

function sizeLines({ request, work }: PlannedRun): string[] {
  const { preset, localSteps, microBatch, wireBits } = request;
  const parameters = `${preset}: ${grouped(work.parameters)} parameters`;
  const bits = wireBits === 32 ? [] : [`On the wire: ${wireBits} bits for each number`];
  const samples = grouped(work.samples);
  if (localSteps === 1) return [`${parameters}; ${samples} samples a step, in ${plural(work.slots, 'slot')}`, ...bits];
  const size = `${plural(work.slots, 'replica')} x ${localSteps} local steps x ${microBatch} samples`;
  return [`${parameters}; ${samples} samples a round`, `A round: ${size}`, ...bits];
}

function onMnist(accuracy: number | null): string {
  return accuracy === null ? '' : `, ${percent(accuracy)} on MNIST`;
}

const titles = (unit: string) => [
  ...['devices', 'samples/s', 'alone', `${unit} ms`, 'compute'],
  ...['handle', 'bytes', 'run', 'MB each'],
];
const widths = [7, 10, 7, 9, 9, 8, 9, 9, 9];

function tableLines({ fleets, request }: PlannedRun): string[] {
  const row = (cells: readonly string[]) => cells.map((cell, i) => cell.padStart(widths[i])).join('');
  return [row(titles(unitOf(request))), ...fleets.map((fleet) => row(cells(fleet)))];
}

function cells(fleet: PlannedFleet): string[] {
  const { devices, samplesPerSecond, timesAlone, stepMs, computeMs, handlingMs, transferMs } = fleet;
  return [
    String(devices),
    grouped(Math.round(samplesPerSecond)),
    `${ratio(timesAlone)} x`,
    ...[stepMs, computeMs, handlingMs, transferMs].map((ms) => ms.toFixed(ms < 10 ? 2 : ms < 10_000 ? 1 : 0)),
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
  const unit = unitOf(request);
  const advice = [
    `Best: ${plural(best.devices, 'device')}, ${timesAsFast(best)} as one alone. ` +
      `A ${unit} takes the longest for ${bounds[bound]}.`,
  ];
  if (fleet !== null && fleet > work.slots) advice.push(idleText(fleet, work.slots, request, change));
  if (best.timesAlone < 1 && (change === null || change.best.timesAlone < 1)) {
    advice.push('One device alone is faster than any fleet of them: use `lockstep train` on the fastest one.');
  }
  if (change !== null) advice.push(changeText(change));
  return advice.flatMap((text) => wrapped(text.split(' ')));
}

function unitOf({ localSteps }: PlanRequest): string {
  return localSteps > 1 ? 'round' : 'step';
}

function timesAsFast({ timesAlone }: PlannedFleet): string {
  return `${ratio(timesAlone)} times as fast`;
}

/** A change brings slots of its own. */
function idleText(fleet: number, slots: number, { localSteps }: PlanRequest, change: Change | null): string {
  const isRound = localSteps > 1;
  const remedy = isRound ? ': use more --replicas' : ': use a smaller --micro-batch or a larger --batch';
  const shared = plural(slots, isRound ? 'replica' : 'slot');
  return `${grouped(fleet)} devices share ${shared}, so ${grouped(fleet - slots)} have nothing to do${change === null ? remedy : ''}.`;
}

const changes: Readonly<Record<Change['kind'], string>> = {
  rounds: 'Rounds of local steps send far less',
  bits: 'Fewer bits send less',
  batch: 'A larger batch computes more for the same bytes',
};

function changeText({ kind, options, best, accuracy, epochs }: Change): string {
  const unknown =
    epochs === null ? 'That accuracy was not measured' : `So few rounds cost accuracy: --epochs ${epochs} has enough`;
  const known = accuracy === null ? unknown : `It reaches ${percent(accuracy)} on MNIST`;
  const reached = kind === 'batch' ? 'It needs settings of its own to reach the same accuracy' : known;
  return (
    `${changes[kind]}: \`lockstep coordinator ${options}\` with ${plural(best.devices, 'device')} is ` +
    `${timesAsFast(best)} as one alone, and takes ${duration(best.runSeconds)} and ${megabytes(best.runBytesPerDevice)} MB for each device. ${reached}.`
  );
}

function ratio(value: number): string {
  return value.toFixed(value < 10 ? 2 : 1);
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
