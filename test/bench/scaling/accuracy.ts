/**
 * The time to a test accuracy: a fleet of slow devices against one that computes alone. The weights after a step are the
 * same everywhere, so this machine finds out which step is the first to reach the accuracy. The devices train to this step,
 * and evaluate once.
 */
import type { Findings } from '../findings.js';
import { type NetworkKind, networkKinds } from '../hosts/links.js';
import { times } from '../table.js';
import {
  type Coordinator,
  type Devices,
  type Fleet,
  type Measuring,
  nameOf,
  type Trained,
  train,
} from './measuring.js';
import type { Race, Settings } from './subjects.js';

/** How many times as fast as one device alone the fleet should be at least, by preset and network. */
const goals: Readonly<Record<string, readonly number[]>> = { mlp: [3, 1.2, 1], 'cnn-small': [6, 5, 4] };
const networkOrder = networkKinds.map(({ name }) => name);
const megabytesMax = 15;

/** The targets are for the large fleet, with the better of the two coordinators; the comparison with PyTorch is for four. */
const fleetSize = 8;
export const peerSize = 4;
export const accuracyColumns = [
  ...['what', 'network', 'coordinator', 'workers', 'steps', 'seconds'],
  ...['alone, seconds', 'ratio', 'MB each'],
];

interface Run {
  readonly fleet: Fleet;
  readonly trained: Trained;
}

/** The settings with the fewest samples to the accuracy, and the number of its steps. */
interface Goal {
  readonly settings: Settings;
  readonly steps: number;
  readonly weightsSha256: string;
}

export async function accuracyLines(
  measuring: Measuring,
  findings: Findings,
  networks: readonly NetworkKind[],
  race: Race,
): Promise<string[][]> {
  const [single, joint] = [await sought(measuring, race, race.alone), await sought(measuring, race, race.fleet)];
  if (single === null || joint === null) {
    findings.note(`${shown(race)} is not reached.`);
    return [];
  }
  findings.note(`${shown(race)}: alone ${words(single)}; together ${words(joint)}.`);
  const alone = await timed(measuring, findings, race, single, 'alone');
  const lines: string[][] = [];
  const runs: Run[] = [];
  for (const fleet of fleetsOf(measuring, race, networks)) {
    const trained = await timed(measuring, findings, race, joint, fleet);
    lines.push(line(race, joint, alone, fleet, trained));
    runs.push({ fleet, trained });
  }
  for (const network of networks) {
    const large = runs.filter(({ fleet }) => fleet.network === network && fleet.workers === fleetSize);
    judge(findings, race, alone, large);
  }
  return lines;
}

function fleetsOf({ context }: Measuring, { preset }: Race, networks: readonly NetworkKind[]): Fleet[] {
  const both: readonly Coordinator[] = context.quick ? ['device'] : ['device', 'server'];
  const fleets = networks.flatMap((network) =>
    both.map((coordinator) => ({ network, workers: fleetSize, coordinator })),
  );
  const small = networks.slice(0, 2).map((network) => ({ network, workers: peerSize, coordinator: 'device' as const }));
  return preset === 'mlp' && !context.quick ? [...fleets, ...small] : fleets;
}

/** Trains on all of this machine. Null if no settings reach the accuracy. */
async function sought(measuring: Measuring, race: Race, candidates: readonly Settings[]): Promise<Goal | null> {
  let best: Goal | null = null;
  for (const settings of candidates) {
    const until = ['--target-accuracy', race.accuracy, '--eval-every', settings.evaluateEvery];
    const { summary } = await train(measuring, race.preset, settings, 'machine', until);
    const { stopReason, steps, weightsSha256 } = summary;
    if (stopReason !== 'target-accuracy') continue;
    if (best === null || steps * settings.batch < best.steps * best.settings.batch)
      best = { settings, steps, weightsSha256 };
  }
  return best;
}

/** Trains this many steps, evaluates, and compares the weights with those of this machine. */
async function timed(
  measuring: Measuring,
  findings: Findings,
  race: Race,
  { settings, steps, weightsSha256 }: Goal,
  devices: Devices,
): Promise<Trained> {
  const trained = await train(measuring, race.preset, settings, devices, [
    ...['--max-steps', steps, '--eval-every', steps],
  ]);
  const what = nameOf(shown(race), devices);
  if (trained.summary.weightsSha256 !== weightsSha256) {
    findings.failed = true;
    findings.note(`${what} has other weights: ${trained.summary.weightsSha256} in place of ${weightsSha256}.`);
  }
  measuring.seconds.set(what, trained.seconds);
  measuring.context.log(`  ${what}: ${trained.seconds.toFixed(1)} s, ${(trained.bytes / 1e6).toFixed(1)} MB`);
  return trained;
}

function line(race: Race, { steps }: Goal, alone: Trained, { network, workers, coordinator }: Fleet, trained: Trained) {
  return [
    ...[shown(race), network.name, coordinator, String(workers), String(steps)],
    ...[trained.seconds.toFixed(1), alone.seconds.toFixed(1), times(alone.seconds / trained.seconds)],
    megabytesEach(trained, workers).toFixed(1),
  ];
}

/** The runs of the same fleet with both coordinators. */
function judge(findings: Findings, race: Race, alone: Trained, runs: readonly Run[]): void {
  const [best] = [...runs].sort((a, b) => a.trained.seconds - b.trained.seconds);
  if (best === undefined) return;
  const { network, coordinator } = best.fleet;
  const goal = goals[race.preset]?.[networkOrder.indexOf(network.name)];
  if (goal === undefined) return;
  const ratio = alone.seconds / best.trained.seconds;
  findings.target(
    `${shown(race)}, ${network.name}, the coordinator is a ${coordinator}: against one device alone`,
    times(goal),
    times(ratio),
    ratio >= goal,
  );
  if (race.preset !== 'mlp') return;
  const megabytes = Math.max(...runs.map(({ fleet, trained }) => megabytesEach(trained, fleet.workers)));
  const measured = `${megabytes.toFixed(1)} MB`;
  findings.target(`${shown(race)}, ${network.name}: bytes`, `${megabytesMax} MB`, measured, megabytes < megabytesMax);
}

function megabytesEach({ bytes }: Trained, workers: number): number {
  return bytes / workers / 1e6;
}

function words({ settings: { options, batch }, steps }: Goal): string {
  return `\`${options.join(' ') || 'the preset’s settings'}\`, ${steps} steps of ${batch} samples`;
}

export function shown({ preset, accuracy }: Pick<Race, 'preset' | 'accuracy'>): string {
  return `${preset} to ${(100 * accuracy).toFixed(1)} %`;
}
