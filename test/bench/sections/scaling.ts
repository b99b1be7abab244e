/**
 * Does joining pay? Slow devices train together on slow networks, and are compared with one of them that computes alone. A
 * device is a network namespace with a quota of a core. Needs root. Each figure is one measurement.
 */
import { planStep } from '../../../coordinator/plan/step-plan.js';
import { stepWorkOf } from '../../../coordinator/plan/step-work.js';
import { type Context, type Section, Unavailable } from '../context.js';
import type { Findings } from '../findings.js';
import { whyNoHosts } from '../hosts/hosts.js';
import { fast, type NetworkKind, networkKinds } from '../hosts/links.js';
import { findController, measuredShare, Quota } from '../hosts/quota.js';
import { lockstep } from '../lockstep.js';
import { run } from '../processes.js';
import { accuracyColumns, accuracyLines, shown } from '../scaling/accuracy.js';
import { againstFlower } from '../scaling/against-flower.js';
import { againstTorch } from '../scaling/against-torch.js';
import { commandsOf, type Measuring, nameOf, share, speedAlone, speedsGrowing } from '../scaling/measuring.js';
import { type Race, races, type Subject, subjects, unknownOption } from '../scaling/subjects.js';
import { thousands, times } from '../table.js';

const fleets = [1, 2, 4, 8];
/** A larger fleet may be slower than the best smaller one by this much: noise. */
const neverSlower = 0.95;
const planTolerance = 0.2;

export const scaling: Section = {
  name: 'scaling',
  title: 'Does joining pay? Slow devices on slow networks',
  async run(context, findings) {
    const why = whyNoHosts();
    if (why !== null) throw new Unavailable(why);
    await checkQuota(findings);
    explain(findings);
    const measuring: Measuring = { context, speeds: new Map(), seconds: new Map() };
    await attempt(findings, 'races', () => measureRaces(measuring, findings));
    await attempt(findings, 'samples/s', () => measureSpeeds(measuring, findings));
    if (context.isChosen('PyTorch')) await attempt(findings, 'PyTorch', () => againstTorch(measuring, findings));
    if (context.isChosen('Flower')) await attempt(findings, 'Flower', () => againstFlower(measuring, findings));
  },
};

/** If a part fails, the figures of the others are kept. */
async function attempt(findings: Findings, what: string, measure: () => Promise<void>): Promise<void> {
  try {
    await measure();
  } catch (error) {
    findings.note(`${what}: not measured: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function networksOf({ quick, isChosen }: Context): readonly NetworkKind[] {
  const all = quick ? [fast] : networkKinds;
  // The text that chooses rows may be the name of a network.
  const named = all.filter(({ name }) => isChosen(name));
  return named.length > 0 ? named : all;
}

function isChosen(context: Context, what: string): boolean {
  return context.isChosen(what) || networkKinds.some(({ name }) => context.isChosen(name));
}

/** A quota that is not in force would make every figure of this section wrong. */
async function checkQuota(findings: Findings): Promise<void> {
  const controller = findController();
  if (controller === null) throw new Unavailable('there is no control group for the processor');
  const quota = new Quota(controller, `lockstep-${process.pid}-check`, share);
  const [within, without] = [await measuredShare((words) => quota.words(words)), await measuredShare((words) => words)];
  quota.remove();
  const percent = (part: number) => `${(100 * part).toFixed(0)} %`;
  findings.note(
    `The quota is in force: a busy program got ${percent(within)} of a core with it, ${percent(without)} without.`,
  );
  if (without < 2 * share)
    throw new Error(`the machine is too busy: without a quota a program got ${percent(without)}`);
  if (within > 1.5 * share) throw new Error(`the quota is not in force: a program within it got ${percent(within)}`);
}

function explain(findings: Findings): void {
  findings.note(
    `A device is a worker of one thread on a host of its own, with ${100 * share} % of a core. Alone: \`lockstep train\` with ` +
      'one thread on such a device, without a network. The coordinator is a device like the others, which computes too ' +
      '(`--threads 1`), or a server without a quota, which does not (`--threads 0`). Its link is the one that all ' +
      'devices share. The time to an accuracy begins when all workers have joined, and ends with the evaluation ' +
      'that reaches it. Each figure is one measurement.',
  );
}

async function measureRaces(measuring: Measuring, findings: Findings): Promise<void> {
  const { context } = measuring;
  const lines: string[][] = [];
  for (const race of races.filter((each) => isChosen(context, shown(each)))) {
    if (context.quick && race !== races[0]) continue;
    for (const command of raceCommands(context, race)) findings.command(command);
    const what = shown(race);
    await attempt(findings, what, async () => {
      lines.push(...(await accuracyLines(measuring, findings, networksOf(context), race)));
    });
  }
  if (lines.length > 0) findings.table('Seconds of training to a test accuracy', accuracyColumns, lines);
}

function raceCommands(context: Context, { preset, alone, fleet }: Race): string[] {
  return [
    commandsOf(context, preset, alone[0].options)[0],
    ...fleet.map(({ options }) => commandsOf(context, preset, options)[1]),
  ];
}

async function measureSpeeds(measuring: Measuring, findings: Findings): Promise<void> {
  const { context } = measuring;
  const help = (await run({ words: lockstep('coordinator', '--help') })).stdout;
  const chosen = subjects.filter(({ name, options }) => isChosen(context, name) && !unknownOption(options, help));
  const alone = new Map<Subject, number>();
  for (const subject of context.quick ? chosen.slice(0, 1) : chosen)
    alone.set(subject, (await speedAlone(measuring, subject)).samplesPerSecond);
  for (const network of alone.size > 0 ? networksOf(context) : []) {
    const lines = await speedLines(measuring, findings, network, alone);
    findings.table(
      `Samples/s of devices on ${network.name}, the coordinator is a server`,
      speedColumns(context),
      lines,
    );
  }
  if (alone.size > 0)
    findings.note('The figure in brackets is what `lockstep plan` says, from the speed of one device alone.');
}

function fleetsOf({ quick }: Context): readonly number[] {
  return quick ? fleets.slice(0, 2) : fleets;
}

function speedColumns(context: Context): string[] {
  return ['model, samples of a step', 'alone', ...fleetsOf(context).map((count) => `${count} (plan)`), 'KB a step'];
}

interface Rate {
  readonly workers: number;
  readonly rate: number;
  readonly plan: number;
}

async function speedLines(
  measuring: Measuring,
  findings: Findings,
  network: NetworkKind,
  alone: ReadonlyMap<Subject, number>,
): Promise<string[][]> {
  const lines: string[][] = [];
  for (const [subject, single] of alone) {
    const sizes = fleetsOf(measuring.context);
    const speeds = await speedsGrowing(measuring, subject, { network, coordinator: 'server' }, sizes);
    const rates = sizes.map((workers, i): Rate => {
      const rate = speeds[i].samplesPerSecond;
      measuring.speeds.set(nameOf(subject.name, { network, workers, coordinator: 'server' }), rate);
      return { workers, rate, plan: planned(subject, network, workers, single) };
    });
    measuring.context.log(`  ${subject.name}, ${network.name}: ${rates.map(({ rate }) => rate.toFixed(0)).join(' ')}`);
    judgeFleets(findings, `${subject.name}, ${network.name}`, rates);
    const cells = rates.map(({ rate, plan }) => `${thousands(rate)} (${thousands(plan)})`);
    const bytes = speeds[speeds.length - 1].bytesPerStep;
    lines.push([subject.name, thousands(single), ...cells, (bytes / 1000).toFixed(0)]);
  }
  return lines;
}

/** What the plan says for the fleet with which it is the fastest: members that would make steps slower get no work. */
function planned({ preset, batch, microBatch }: Subject, network: NetworkKind, workers: number, alone: number): number {
  const work = stepWorkOf(preset, { batch, microBatch, localSteps: 1, wireBits: 32 });
  const link = { mbps: network.coordinatorMbps, rttMs: network.rttMs };
  const device = { samplesPerSecond: alone, threads: 1, share };
  const sizes = Array.from({ length: workers }, (_, i) => i + 1);
  return Math.max(...sizes.map((size) => planStep(work, device, link, size).samplesPerSecond));
}

function judgeFleets(findings: Findings, what: string, rates: readonly Rate[]): void {
  const ratios = rates
    .slice(1)
    .map(({ rate }, i) => rate / Math.max(...rates.slice(0, i + 1).map((each) => each.rate)));
  const least = Math.min(...ratios);
  findings.target(`${what}: against the best smaller fleet`, `${neverSlower} x`, times(least), least >= neverSlower);
  const faults = rates.map(({ rate, plan }) => plan / rate - 1);
  const worst = faults.reduce((top, fault) => (Math.abs(fault) > Math.abs(top) ? fault : top));
  const measured = `${worst > 0 ? '+' : ''}${(100 * worst).toFixed(0)} %`;
  findings.target(
    `${what}: the plan is off by`,
    `${100 * planTolerance} %`,
    measured,
    Math.abs(worst) <= planTolerance,
  );
}
