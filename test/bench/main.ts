/** `npm run bench`: measures Lockstep and its peers, prints tables, and writes the report if `--report` is given. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Context, type Section, Unavailable } from './context.js';
import { mnistPixels } from './dataset.js';
import { describeEnvironment } from './environment.js';
import { Findings } from './findings.js';
import { type BenchOptions, parseOptions, usage } from './options.js';
import { findPythons, remarkOn } from './pythons.js';
import { mergeReport, type Report, renderReport, renderSection, renderTargets } from './report.js';
import { convolutionRows, type Row, rows } from './rows.js';
import { accuracy } from './sections/accuracy.js';
import { classroom } from './sections/classroom.js';
import { convolutions } from './sections/convolutions.js';
import { coordinator } from './sections/coordinator.js';
import { exactness } from './sections/exactness.js';
import { growth } from './sections/growth.js';
import { javascript } from './sections/javascript.js';
import { kernels } from './sections/kernels.js';
import { memory } from './sections/memory.js';
import { scaling } from './sections/scaling.js';
import { sockets } from './sections/sockets.js';
import { start } from './sections/start.js';
import { train } from './sections/train.js';
import { viewersSection } from './sections/viewers.js';

/** The sections in the order in which they run. Exactness is first, because only right answers are worth timing. */
const sections: readonly Section[] = [
  exactness,
  train,
  sockets,
  javascript,
  convolutions,
  kernels,
  coordinator,
  memory,
  start,
  accuracy,
  viewersSection,
  growth,
  scaling,
  classroom,
];

const root = fileURLToPath(new URL('../../..', import.meta.url)).replace(/\/$/, '');

function readOptions(): BenchOptions {
  const names = sections.map(({ name }) => name);
  if (process.argv.includes('--help')) {
    console.log(usage(names));
    process.exit(0);
  }
  try {
    return parseOptions(process.argv.slice(2), names);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n\n${usage(names)}`);
    process.exit(2);
  }
}

function makeContext({ rounds, seconds, quick, row }: BenchOptions, scratch: string): Context {
  const directory = process.env.LOCKSTEP_DATA;
  if (!directory) {
    console.error('LOCKSTEP_DATA must name the directory with the four files of MNIST');
    process.exit(2);
  }
  const log = (line: string) => console.error(line);
  const isChosen = (name: string) => name.includes(row);
  const chosen = (all: readonly Row[]) => all.filter(({ name }) => isChosen(name));
  const mnist = mnistPixels(directory);
  const common = { root, scratch, mnist, pythons: findPythons(), isChosen, rounds, seconds, quick, log };
  return { ...common, rows: chosen(rows), convolutionRows: chosen(convolutionRows) };
}

/** Runs the sections. Stops after a section that found a wrong answer. */
async function runAll(context: Context, only: readonly string[] | null): Promise<Pick<Report, 'sections' | 'skipped'>> {
  const done: Findings[] = [];
  const skipped = context.pythons.length === 0 ? ['PyTorch: not installed (apt install python3-torch)'] : [];
  for (const section of sections.filter(({ name }) => only?.includes(name) ?? true)) {
    context.log(`\n== ${section.name}`);
    const begunMs = performance.now();
    const findings = await runOne(section, context);
    context.log(`${section.name} took ${((performance.now() - begunMs) / 1000).toFixed(0)} s`);
    if (typeof findings === 'string') {
      skipped.push(`${section.name}: ${findings}`);
      console.log(`Left out: ${skipped.at(-1)}\n`);
      continue;
    }
    done.push(findings);
    const { title, tables, notes } = findings;
    console.log(`${renderSection({ title, tables, notes, commands: [] })}\n`);
    if (findings.failed) break;
  }
  return { sections: done, skipped };
}

/**
 * Returns the findings of a section, or the reason why it is left out. If a section fails, the figures of the other
 * sections are kept.
 */
async function runOne(section: Section, context: Context): Promise<Findings | string> {
  const findings = new Findings(section.name, section.title);
  try {
    await section.run(context, findings);
    return findings;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    if (error instanceof Unavailable) return why;
    process.exitCode = 1;
    return `failed: ${why}`;
  }
}

/** Sections that were measured alone become part of the report that is there. */
function write(measured: Report, only: readonly string[] | null): void {
  const [page, figures] = ['REPORT.md', 'report.json'].map((name) => join(root, 'test/bench', name));
  const isPart = only !== null && existsSync(figures);
  const report = isPart ? mergeReport(JSON.parse(readFileSync(figures, 'utf8')) as Report, measured) : measured;
  writeFileSync(page, renderReport(report));
  writeFileSync(figures, `${JSON.stringify(report, null, 2)}\n`);
  spawnSync(join(root, 'node_modules/.bin/biome'), ['format', '--write', figures], { cwd: root });
}

const options = readOptions();
const scratch = mkdtempSync(join(tmpdir(), 'lockstep-bench-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));
process.on('SIGINT', () => process.exit(130));
process.on('SIGTERM', () => process.exit(143));

const context = makeContext(options, scratch);
const result = await runAll(context, options.only);
const environment = await describeEnvironment(root, context.pythons);
const report: Report = { environment, rounds: options.rounds, remark: remarkOn(context.pythons), ...result };
console.log(`${renderTargets(report.sections.flatMap(({ targets }) => targets))}\n`);
if (options.report) write(report, options.only);
if (result.sections.some(({ failed }) => failed)) {
  console.error('WRONG WEIGHTS: nothing after that was measured');
  process.exitCode = 1;
}
