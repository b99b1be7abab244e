/** `npm run presets`: trains the presets with their own settings, and writes the report on them with `--report`. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { percent } from '../../shared/figures.js';
import { describeMachine } from '../bench/environment.js';
import { renderTable } from '../bench/table.js';
import { type Means, measure, type Subject } from './measure.js';
import { onFashion, type PresetOptions, parseOptions, usage } from './options.js';
import {
  commandFor,
  type DatasetName,
  merged,
  presetTable,
  type Report,
  renderReport,
  roundsBits,
  roundsOptions,
  roundsTable,
  withTable,
} from './report.js';

const root = fileURLToPath(new URL('../../..', import.meta.url)).replace(/\/$/, '');
const figures = join(root, 'test/presets/report.json');

/** Where Debian's package dataset-fashion-mnist has it. */
const fashionDirectory = '/usr/share/datasets/fashion-mnist';

function readOptions(): PresetOptions {
  if (process.argv.includes('--help')) {
    console.log(usage);
    process.exit(0);
  }
  try {
    return parseOptions(process.argv.slice(2));
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n\n${usage}`);
    process.exit(2);
  }
}

function findData(datasets: readonly DatasetName[]): Means['data'] {
  const { LOCKSTEP_DATA = '', LOCKSTEP_FASHION = fashionDirectory } = process.env;
  const data = { mnist: LOCKSTEP_DATA, 'fashion-mnist': LOCKSTEP_FASHION };
  for (const dataset of datasets) {
    if (existsSync(data[dataset])) continue;
    const variable = dataset === 'mnist' ? 'LOCKSTEP_DATA' : 'LOCKSTEP_FASHION';
    console.error(`${variable} must name the directory with the four files of ${dataset}`);
    process.exit(2);
  }
  return data;
}

function subjectsOf({ presets, datasets, seeds, rounds, extra }: PresetOptions): Subject[] {
  const variants = rounds ? roundsBits.map(roundsOptions) : [[]];
  const pairs = datasets.flatMap((dataset) =>
    presets.filter((name) => dataset === 'mnist' || onFashion.includes(name)).map((preset) => ({ preset, dataset })),
  );
  const subjects = pairs.flatMap((pair) => variants.map((options) => ({ ...pair, options: [...options, ...extra] })));
  return subjects.flatMap((each) => seeds.map((seed) => ({ ...each, seed })));
}

function readReport(): Report {
  return existsSync(figures) ? JSON.parse(readFileSync(figures, 'utf8')) : { environments: [], runs: [] };
}

function write(report: Report): void {
  writeFileSync(figures, `${JSON.stringify(report, null, 2)}\n`);
  spawnSync(join(root, 'node_modules/.bin/biome'), ['format', '--write', figures], { cwd: root });
  writeFileSync(join(root, 'test/presets/REPORT.md'), renderReport(report));
  const readme = join(root, 'README.md');
  const tables = [presetTable(report), roundsTable(report)];
  writeFileSync(readme, tables.reduce(withTable, readFileSync(readme, 'utf8')));
}

const options = readOptions();
const data = findData(options.datasets);
const scratch = mkdtempSync(join(tmpdir(), 'lockstep-presets-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));
process.on('SIGINT', () => process.exit(130));
process.on('SIGTERM', () => process.exit(143));

const load = ['other work', `load average ${loadavg()[0].toFixed(1)} before the first run`] as const;
const environment = [...(await describeMachine(root)), load];
let report: Report = options.report ? readReport() : { environments: [], runs: [] };
for (const subject of subjectsOf(options)) {
  console.error(`${commandFor(subject.preset, subject.dataset, subject.seed)} ${subject.options.join(' ')}`);
  try {
    const run = await measure(subject, { ...options, root, data, scratch });
    const { accuracy, seconds, samplesPerSecond, drawn } = run;
    console.error(`  ${percent(accuracy)} in ${seconds} s, ${samplesPerSecond} samples/s, ${JSON.stringify(drawn)}`);
    report = merged(report, environment, [run]);
    // Written after every run, so that the others are kept if one fails.
    if (options.report) write(report);
  } catch (error) {
    console.error(`  no figures: ${error instanceof Error ? error.message : error}`);
    process.exitCode = 1;
  }
}
console.log(renderTable(options.rounds ? roundsTable(report) : presetTable(report)));
