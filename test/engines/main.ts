/**
 * `npm run engines`: checks that every installed engine computes the same hash. Prints a table, and the engines that it
 * skipped and why. Exit code 1 means that a hash differs.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { launchChromium } from '../browser/chromium.js';
import { Program } from '../chaos/program.js';
import * as engines from './engine.js';
import { openFirefox } from './firefox.js';
import { checkKernels } from './kernels.js';
import { bundleKnownAnswer, knownAnswerIn } from './known-answer.js';
import { type Participant, sharedRuns, trainTogether } from './shared-run.js';

interface Checked {
  readonly engine: engines.Engine;
  readonly how: string;
  readonly sha256: string;
}

const skipped: string[] = [];
const directory = mkdtempSync(join(tmpdir(), 'lockstep-engines-'));
process.env.LOCKSTEP_CACHE = join(directory, 'cache');
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));
process.on('exit', () => rmSync(directory, { recursive: true, force: true, maxRetries: 10 }));

function find(engine: () => engines.Engine): engines.Engine | null {
  try {
    return engine();
  } catch (error) {
    if (!(error instanceof engines.NotInstalled)) throw error;
    skipped.push(error.message);
    return null;
  }
}

function present<T>(all: readonly (T | null)[]): T[] {
  return all.filter((each) => each !== null);
}

async function knownAnswers(shells: readonly engines.Engine[]): Promise<Checked[]> {
  const script = await bundleKnownAnswer(directory);
  const checked: Checked[] = [];
  for (const engine of shells) {
    checked.push({ engine, how: 'known-answer test', sha256: await knownAnswerIn(engine, script) });
  }
  return checked;
}

/** Which of the kernels' cases are run. An emulated processor is slow. */
const [everyCase, everyFifthCase] = [1, 5];

/** The words of a backend without the digits of its code, which would change with every line of the source. */
const kindOf = (description: string) => description.replace(/ [0-9a-f]{12}$/, '');

/** A row for each backend of each Node. */
async function kernelsOf(engine: engines.Engine, every: number): Promise<Checked[]> {
  const { backends, withoutNative } = await checkKernels(engine, every);
  if (withoutNative !== null) {
    skipped.push(`native kernels on ${engine.name} ${engine.version} ${engine.architecture}: ${withoutNative}`);
  }
  return backends.map(({ description, answers, cases }) => {
    const how = `${kindOf(description)}: known-answer test on two threads, ${cases} cases`;
    return { engine, how, sha256: [...new Set(answers)].join(' ') };
  });
}

interface Trainee extends Participant {
  readonly engine: engines.Engine;
}

function nodeWorker(name: string, engine: engines.Engine): Trainee {
  const join = async (port: number) => {
    const words = ['worker', `ws://127.0.0.1:${port}`, '--threads', 1, '--name', name];
    const worker = new Program(name, words, engine.command);
    return () => {
      worker.signal('SIGKILL');
      return worker.ended;
    };
  };
  return { engine, name, join };
}

function chromiumTab(engine: engines.Engine): Trainee {
  const join = async (port: number) => {
    const browser = await launchChromium();
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${port}/join`);
    return () => browser.close();
  };
  return { engine, name: 'Chrome on Linux', join };
}

function firefoxTab(engine: engines.Engine): Trainee {
  const join = (port: number) => openFirefox(engine.command[0], `http://127.0.0.1:${port}/join`, directory);
  return { engine, name: 'Firefox on Linux', join };
}

function row({ engine: { name, version, architecture }, how, sha256 }: Checked): string {
  return `| ${name} | ${version} | ${architecture} | ${how} | \`${sha256}\` |\n`;
}

const arm64 = find(() => engines.arm64Node(directory));
const [chromium, firefox] = [find(engines.chromium), find(engines.firefox)];
const shells = [engines.node, arm64, find(engines.spiderMonkeyShell), find(engines.javaScriptCoreShell)];
const answers = await knownAnswers(present(shells));
const otherNodes = [22, 24, 26].map((major) => find(() => engines.nodeOfVersion(major, directory)));
for (const node of present([engines.node, ...otherNodes])) answers.push(...(await kernelsOf(node, everyCase)));
if (arm64 !== null) answers.push(...(await kernelsOf(arm64, everyFifthCase)));

const fleet = present([
  nodeWorker('node', engines.node),
  arm64 && nodeWorker('arm64', arm64),
  chromium && chromiumTab(chromium),
  firefox && firefoxTab(firefox),
]);
const runs: Checked[] = [];
for (const run of Object.keys(sharedRuns) as (keyof typeof sharedRuns)[]) {
  const { weightsSha256: sha256, workers } = await trainTogether(fleet, run, mkdtempSync(join(directory, 'run-')));
  for (const { engine, name } of fleet) {
    const { shards, kernels } = workers.get(name)!;
    runs.push({ engine, how: `${run}, ${shards} shards of it, with ${kindOf(kernels)}`, sha256 });
  }
}

process.stdout.write('| engine | version | architecture | how it was checked | SHA-256 of the result |\n');
process.stdout.write(`|${' --- |'.repeat(5)}\n`);
for (const checked of [...answers, ...runs]) process.stdout.write(row(checked));
for (const reason of skipped) process.stdout.write(`skipped: ${reason}\n`);
const differing = answers.filter((answer) => answer.sha256 !== answers[0].sha256);
if (differing.length > 0) {
  process.stderr.write(`another answer than Node's: ${differing.map(({ engine }) => engine.name).join(', ')}\n`);
  process.exitCode = 1;
}
