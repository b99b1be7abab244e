/**
 * The time to a test accuracy: a fleet of slow devices against one that computes alone. The weights after a step are the same
 * everywhere, so this machine finds out in seconds how many steps it takes. The time of a run that was too slow to be waited
 * for follows from that.
 */
import type { Context } from '../context.js';
import type { Findings } from '../findings.js';
import type { NetworkKind } from '../hosts/links.js';
import { times } from '../table.js';
import { type Devices, type Figures, type Measuring, nameOf, reach } from './measuring.js';
import type { Subject } from './subjects.js';

/** How many times as fast as one device alone the fleet should be at least, by preset and network. */
const goals: Readonly<Record<string, readonly number[]>> = { mlp: [3, 1.2, 1], 'cnn-small': [6, 5, 4] };
const megabytesMax = 15;
/** Runs of this many seconds are waited for. */
const patience = { alone: 240, fleet: 90, machine: 600, quick: 8 };

/** The comparison with PyTorch is for the smaller fleet, the targets are for the larger one. */
export const accuracyFleets = [4, 8] as const;
export const accuracyColumns = [
  ...['what', 'network', 'accuracy', 'steps', 'alone'],
  ...[...accuracyFleets.map(String), 'ratio', 'MB each'],
];

interface Reached {
  readonly seconds: number;
  readonly isEstimated: boolean;
  readonly bytes: number;
}

export async function accuracyLines(
  measuring: Measuring,
  findings: Findings,
  networks: readonly NetworkKind[],
  chosen: readonly Subject[],
): Promise<string[][]> {
  const lines: string[][] = [];
  for (const subject of chosen.filter(({ accuracy }) => accuracy !== null)) {
    const machine = await reach(measuring, subject, 'machine', patience.machine);
    if (machine.weightsSha256 === null) {
      findings.note(`${subject.name} does not reach ${shown(subject)}.`);
      continue;
    }
    const tried = (devices: Devices, seconds: number) => timed(measuring, findings, subject, devices, seconds, machine);
    const alone = await tried('alone', waiting(measuring.context, patience.alone));
    for (const network of networks) {
      const fleets: Reached[] = [];
      for (const workers of accuracyFleets)
        fleets.push(await tried({ network, workers }, waiting(measuring.context, patience.fleet)));
      lines.push(line(subject, network, machine.steps, alone, fleets));
      judge(findings, subject, network, networks, alone, fleets[fleets.length - 1]);
    }
  }
  if (lines.some((cells) => cells.join(' ').includes('~')))
    findings.note('~: the run was ended early. Its time follows from its speed and from the number of steps.');
  return lines;
}

function waiting({ quick }: Context, seconds: number): number {
  return quick ? patience.quick : seconds;
}

/** Measures a run, and compares its weights with those of this machine. */
async function timed(
  measuring: Measuring,
  findings: Findings,
  subject: Subject,
  devices: Devices,
  secondsMax: number,
  machine: Figures,
): Promise<Reached> {
  const figures = await reach(measuring, subject, devices, secondsMax);
  const { weightsSha256, steps, seconds, bytes } = figures;
  if (weightsSha256 !== null && weightsSha256 !== machine.weightsSha256) {
    findings.failed = true;
    findings.note(`${subject.name} has other weights: ${weightsSha256} in place of ${machine.weightsSha256}.`);
  }
  const isEstimated = weightsSha256 === null;
  const part = isEstimated ? machine.steps / steps : 1;
  const what = nameOf(subject, devices);
  measuring.seconds.set(what, part * seconds);
  measuring.context.log(`  ${what}, to ${shown(subject)}: ${(part * seconds).toFixed(1)} s`);
  return { seconds: part * seconds, isEstimated, bytes: part * bytes };
}

function line(subject: Subject, network: NetworkKind, steps: number, alone: Reached, fleets: readonly Reached[]) {
  const fleet = fleets[fleets.length - 1];
  const time = ({ seconds, isEstimated }: Reached) => `${isEstimated ? '~' : ''}${seconds.toFixed(0)} s`;
  return [
    ...[subject.name, network.name, shown(subject), String(steps), time(alone), ...fleets.map(time)],
    ...[times(alone.seconds / fleet.seconds), (fleet.bytes / 1e6).toFixed(1)],
  ];
}

/** The fastest way to train a preset counts, so the targets are for rounds. */
function judge(
  findings: Findings,
  { name, preset, options }: Subject,
  network: NetworkKind,
  networks: readonly NetworkKind[],
  alone: Reached,
  fleet: Reached,
): void {
  const goal = goals[preset]?.[networks.indexOf(network)];
  if (goal === undefined || !options.includes('--local-steps')) return;
  const ratio = alone.seconds / fleet.seconds;
  findings.target(`${name}, ${network.name}: against one device alone`, times(goal), times(ratio), ratio >= goal);
  if (preset !== 'mlp') return;
  const megabytes = fleet.bytes / 1e6;
  const measured = `${megabytes.toFixed(1)} MB`;
  findings.target(`${name}, ${network.name}: bytes`, `${megabytesMax} MB`, measured, megabytes < megabytesMax);
}

function shown({ accuracy }: Subject): string {
  return `${(100 * (accuracy ?? 0)).toFixed(1)} %`;
}
