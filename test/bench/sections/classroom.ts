/**
 * A class: the tabs of one Chromium are devices of their own behind one slow link, and some of them sleep at any time. Needs
 * root and Chromium.
 */
import { hasChromium } from '../../browser/chromium.js';
import { type Class, giveLesson, type Lesson } from '../classroom/lesson.js';
import { workersPerRound } from '../classroom/watch-rounds.js';
import { type Context, readable, type Section, Unavailable } from '../context.js';
import type { Findings } from '../findings.js';
import { whyNoHosts } from '../hosts/hosts.js';
import { inRun, lockstep, summaryOf } from '../lockstep.js';
import { run } from '../processes.js';
import { median } from '../statistics.js';

/** Pupils open the link one after the other. Here all tabs share a few cores, which need this long to start one. */
const school: Class = {
  network: { name: '50 Mbit/s shared', workerMbps: 0, coordinatorMbps: 50, rttMs: 0 },
  tabs: 30,
  share: 0.05,
  openingMs: 1_000,
  asleep: 3,
  sleepMs: 5_000,
  secondsMax: 300,
};

const accuracy = 0.975;
const firstResultSecondsMax = 10;
const withWorkMin = 0.9;

/** The options that decide the weights; --fleet adds the number of replicas. */
const training = [
  ...['--preset', 'cnn-small', '--optimizer', 'sgd', '--lr', 0.1, '--momentum', 0.9, '--nesterov', '--epochs', 5],
  ...['--local-steps', 4, '--micro-batch', 32, '--wire-bits', 4],
];

export const classroom: Section = {
  name: 'classroom',
  title: 'A class of thirty tabs on one link',
  async run(context, findings) {
    const why = hasChromium ? whyNoHosts() : 'there is no /usr/bin/chromium';
    if (why !== null) throw new Unavailable(why);
    const lines: string[][] = [];
    for (const threads of ['0', 'default']) {
      const own = threads === 'default' ? [] : ['--threads', threads];
      if (context.isChosen(`threads ${threads}`)) lines.push(await measure(context, findings, threads, own));
    }
    findings.table('A lesson', columns, lines);
  },
};

const columns = [
  'coordinator’s threads',
  's to a first result: median, longest',
  'with work',
  `s to ${accuracy}`,
  'MB a tab',
];

async function measure(context: Context, findings: Findings, threads: string, own: (string | number)[]) {
  const until = ['--data', context.mnist.directory];
  const words = ['--fleet', school.tabs, ...own, ...training, ...until];
  findings.command(readable({ words: lockstep('coordinator', '--host', '0.0.0.0', '--open', ...words) }, context));
  return inRun(context.scratch, async (out) => {
    const lesson = await giveLesson(school, words, out);
    return judge(findings, threads, lesson, await sameAlone(lesson, until, `${out}-alone`));
  });
}

/** The weights of the same run without any network. */
async function sameAlone({ config, steps }: Lesson, until: (string | number)[], out: string): Promise<string> {
  const replicas = config.batch / (config.microBatch * (config.rounds?.steps ?? 1));
  const words = [...training, ...until, '--replicas', replicas, '--max-steps', steps, '--out', out];
  await run({ words: lockstep('train', ...words) });
  return summaryOf(out).weightsSha256;
}

function judge(findings: Findings, threads: string, lesson: Lesson, weightsAlone: string): string[] {
  const target = (what: string, wanted: string, measured: string, isReached: boolean) =>
    findings.target(`threads ${threads}: ${what}`, wanted, measured, isReached);
  const percent = (part: number) => `${(100 * part).toFixed(0)} %`;
  const firsts = lesson.firstResultMs.map((ms) => (ms === null ? Number.POSITIVE_INFINITY : ms / 1000));
  const longest = Math.max(...firsts);
  const isFast = longest <= firstResultSecondsMax;
  target('longest time to a first result', `${firstResultSecondsMax} s`, `${longest.toFixed(1)} s`, isFast);
  const withWork = partWithWork(lesson);
  target(
    'tabs that are awake and have work in a round',
    percent(withWorkMin),
    percent(withWork),
    withWork >= withWorkMin,
  );
  const seconds = secondsTo(lesson, accuracy);
  target(`time to ${accuracy}`, `${school.secondsMax} s`, `${seconds.toFixed(0)} s`, seconds <= school.secondsMax);
  const isSame = lesson.weightsSha256 === weightsAlone;
  target('weights', weightsAlone.slice(0, 8), lesson.weightsSha256.slice(0, 8), isSame);
  if (!isSame) findings.failed = true;
  const first = `${median(firsts).toFixed(1)}, ${longest.toFixed(1)}`;
  return [threads, first, percent(withWork), seconds.toFixed(0), lesson.megabytesPerTab.toFixed(1)];
}

/** Of the tabs that are not asleep, the mean over the rounds after all tabs had time to join. */
function partWithWork({ looks, allOpenMs, firstResultMs }: Lesson): number {
  const counts = workersPerRound(looks.filter(({ atMs }) => atMs > allOpenMs + 1000 * firstResultSecondsMax));
  const awake = firstResultMs.length - school.asleep;
  return counts.reduce((sum, workers) => sum + Math.min(workers, awake), 0) / counts.length / awake;
}

/** From the opening of the first tab. Infinite if the accuracy was not reached. */
function secondsTo({ looks, begunMs }: Lesson, wanted: number): number {
  const reached = looks.find(({ testAccuracy }) => testAccuracy !== null && testAccuracy >= wanted);
  return reached === undefined ? Number.POSITIVE_INFINITY : (reached.atMs - begunMs) / 1000;
}
