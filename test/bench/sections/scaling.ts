/**
 * Does joining pay? Slow devices train together on slow networks, and are compared with one of them that computes alone. A
 * device is a network namespace with a quota of a core. Needs root. Each figure is one measurement.
 */
import { planStep } from '../../../coordinator/plan/step-plan.js';
import { stepWorkOf } from '../../../coordinator/plan/step-work.js';
import { presets } from '../../../shared/model/presets.js';
import { type Context, type Section, Unavailable } from '../context.js';
import type { Findings } from '../findings.js';
import { whyNoHosts } from '../hosts/hosts.js';
import { fast, type NetworkKind, networkKinds } from '../hosts/links.js';
import { findController, measuredShare, Quota } from '../hosts/quota.js';
import { lockstep } from '../lockstep.js';
import { run } from '../processes.js';
import { accuracyColumns, accuracyLines } from '../scaling/accuracy.js';
import { againstTorch } from '../scaling/against-torch.js';
import { commandsOf, type Figures, type Measuring, nameOf, share, speed } from '../scaling/measuring.js';
import { type Subject, subjects, unknownOption } from '../scaling/subjects.js';
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
    const help = (await run({ words: lockstep('coordinator', '--help') })).stdout;
    const chosen = chosenSubjects(context, findings, help);
    // The coordinator's own threads are no slow devices.
    const coordinator = help.includes('--threads ') ? ['--threads', 0] : [];
    const measuring: Measuring = { context, coordinator, speeds: new Map(), seconds: new Map() };
    for (const subject of chosen) for (const command of commandsOf(context, subject)) findings.command(command);
    explain(findings);
    const alone = new Map<Subject, Figures>();
    for (const subject of chosen) alone.set(subject, await measure(measuring, subject, 'alone'));
    for (const network of networksOf(context)) {
      const speeds = await speedLines(measuring, findings, network, alone);
      if (speeds.length > 0) findings.table(`Samples/s of devices on ${network.name}`, speedColumns(context), speeds);
    }
    const reached = await accuracyLines(measuring, findings, networksOf(context), chosen);
    if (reached.length > 0) findings.table('Seconds of training to a test accuracy', accuracyColumns, reached);
    if (context.isChosen('PyTorch')) await againstTorch(measuring, findings);
  },
};

function networksOf({ quick }: Context): readonly NetworkKind[] {
  return quick ? [fast] : networkKinds;
}

function fleetsOf({ quick }: Context): readonly number[] {
  return quick ? fleets.slice(0, 2) : fleets;
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

/** The subjects that the user has chosen, and whose options this version has. */
function chosenSubjects(context: Context, findings: Findings, help: string): Subject[] {
  const all = subjects.filter(({ name }) => context.isChosen(name));
  const known = all.filter((subject) => {
    const option = unknownOption(subject, help);
    if (option !== undefined) findings.note(`${subject.name} is left out: this version has no ${option}.`);
    return option === undefined;
  });
  return context.quick ? known.slice(0, 1) : known;
}

function explain(findings: Findings): void {
  findings.note(
    `A device is a worker of one thread on a host of its own, with ${100 * share} % of a core. Alone: \`lockstep train\` with ` +
      'one thread on such a device, without a network. The coordinator has a host without a quota. Its link is the one ' +
      'that all devices share. The speed is the median after a warm-up. Each figure is one measurement.',
  );
  findings.note(`The figure behind it in brackets is what \`lockstep plan\` says, from the speed of one device alone.`);
}

function speedColumns(context: Context): string[] {
  return ['model, samples of a step', 'alone', ...fleetsOf(context).map((count) => `${count} (plan)`), 'KB a step'];
}

async function speedLines(
  measuring: Measuring,
  findings: Findings,
  network: NetworkKind,
  alone: ReadonlyMap<Subject, Figures>,
): Promise<string[][]> {
  const lines: string[][] = [];
  for (const [subject, single] of alone) {
    if (!subject.isScaled) continue;
    const rates: { workers: number; rate: number; plan: number | null }[] = [];
    let bytes = 0;
    for (const workers of fleetsOf(measuring.context)) {
      const { samplesPerSecond, bytesPerStep } = await measure(measuring, subject, { network, workers });
      rates.push({
        workers,
        rate: samplesPerSecond,
        plan: planned(subject, network, workers, single.samplesPerSecond),
      });
      bytes = bytesPerStep;
    }
    judgeFleets(findings, `${subject.name}, ${network.name}`, rates);
    const cells = rates.map(({ rate, plan }) => thousands(rate) + (plan === null ? '' : ` (${thousands(plan)})`));
    lines.push([subject.name, thousands(single.samplesPerSecond), ...cells, (bytes / 1000).toFixed(0)]);
  }
  return lines;
}

async function measure(measuring: Measuring, subject: Subject, devices: Parameters<typeof speed>[2]): Promise<Figures> {
  const figures = await speed(measuring, subject, devices);
  const what = nameOf(subject, devices);
  measuring.speeds.set(what, figures.samplesPerSecond);
  measuring.context.log(`  ${what}: ${figures.samplesPerSecond.toPrecision(4)} samples/s`);
  return figures;
}

/** What the plan says. Null for what it does not know. */
function planned({ preset, batch, microBatch }: Subject, network: NetworkKind, workers: number, alone: number) {
  if (microBatch === null) return null;
  const work = stepWorkOf(presets[preset].model, batch, microBatch);
  const link = { mbps: network.coordinatorMbps, rttMs: network.rttMs };
  return planStep(work, { samplesPerSecond: alone, threads: 1 }, link, workers).samplesPerSecond;
}

interface Rate {
  readonly workers: number;
  readonly rate: number;
  readonly plan: number | null;
}

function judgeFleets(findings: Findings, what: string, rates: readonly Rate[]): void {
  const ratios = rates
    .slice(1)
    .map(({ rate }, i) => rate / Math.max(...rates.slice(0, i + 1).map((each) => each.rate)));
  const least = Math.min(...ratios);
  findings.target(`${what}: against the best smaller fleet`, `${neverSlower} x`, times(least), least >= neverSlower);
  const faults = rates.flatMap(({ rate, plan }) => (plan === null ? [] : [plan / rate - 1]));
  if (faults.length === 0) return;
  const worst = faults.reduce((top, fault) => (Math.abs(fault) > Math.abs(top) ? fault : top));
  const measured = `${worst > 0 ? '+' : ''}${(100 * worst).toFixed(0)} %`;
  findings.target(
    `${what}: the plan is off by`,
    `${100 * planTolerance} %`,
    measured,
    Math.abs(worst) <= planTolerance,
  );
}
