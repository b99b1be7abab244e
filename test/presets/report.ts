/**
 * The report on the presets: runs, each with its figures, in report.json. REPORT.md and the table in README.md are made
 * from it. Pure.
 */
import { isDeepStrictEqual } from 'node:util';
import type { ConfigFile } from '../../coordinator/archive/config.js';
import { epochShape } from '../../shared/data/order.js';
import { grouped, percent, shorter } from '../../shared/figures.js';
import { parameterCount } from '../../shared/model/parameters.js';
import { type PresetName, presets } from '../../shared/model/presets.js';
import type { Environment } from '../bench/environment.js';
import { median } from '../bench/statistics.js';
import { renderTable, type Table } from '../bench/table.js';

export const datasetNames = ['mnist', 'fashion-mnist'] as const;
export type DatasetName = (typeof datasetNames)[number];

/** Presets are trained in rounds with so many bits on the wire. */
export const roundsBits: readonly number[] = [32, 8, 4];

const titles: Readonly<Record<DatasetName, string>> = { mnist: 'MNIST', 'fashion-mnist': 'Fashion-MNIST' };

/** What the run was asked for, besides model and seed: from its config.json. */
export type Settings = Pick<
  ConfigFile,
  | 'epochs'
  | 'batch'
  | 'microBatch'
  | 'rounds'
  | 'wireBits'
  | 'optimizer'
  | 'schedule'
  | 'augment'
  | 'smoothing'
  | 'clip'
>;

/** What the model makes of the sixty drawings. */
export interface Drawn {
  readonly right: number;
  readonly wrong: number;
  /** How many of them the pad says that it is not sure of. */
  readonly unsureOfRight: number;
  readonly unsureOfWrong: number;
}

export interface PresetRun {
  readonly preset: PresetName;
  readonly dataset: DatasetName;
  readonly seed: number;
  readonly settings: Settings;
  /** On the test set, after the last epoch. */
  readonly accuracy: number;
  readonly seconds: number;
  readonly samplesPerSecond: number;
  readonly weightsSha256: string;
  /** Null for models that were not trained on digits. */
  readonly drawn: Drawn | null;
  /** Index into the report's list of environments. */
  readonly environment: number;
}

export interface Report {
  readonly environments: readonly Environment[];
  readonly runs: readonly PresetRun[];
}

/** Adds runs. They replace those of the same subject and seed, and all that had other settings. */
export function merged(
  { environments, runs }: Report,
  environment: Environment,
  added: readonly Omit<PresetRun, 'environment'>[],
): Report {
  const kept = runs.filter(
    (run) =>
      !added.some((other) => isSameSubject(run, other) && (run.seed === other.seed || !isSameRecipe(run, other))),
  );
  const described = [
    ...kept.map((run) => ({ run, environment: environments[run.environment] })),
    ...added.map((run) => ({ run, environment })),
  ].sort((a, b) => rank(a.run) - rank(b.run) || a.run.seed - b.run.seed);
  const distinct: Environment[] = [];
  const indexOf = (each: Environment) => {
    const known = distinct.findIndex((other) => isDeepStrictEqual(other, each));
    return known >= 0 ? known : distinct.push(each) - 1;
  };
  return {
    runs: described.map((each) => ({ ...each.run, environment: indexOf(each.environment) })),
    environments: distinct,
  };
}

type Subject = Pick<PresetRun, 'preset' | 'dataset' | 'settings'>;

/** The same preset and data set, both in rounds or both in ordinary steps, with as many bits on the wire. */
function isSameSubject(a: Subject, b: Subject): boolean {
  return a.preset === b.preset && a.dataset === b.dataset && isInRounds(a) === isInRounds(b) && bitsOf(a) === bitsOf(b);
}

export function isInRounds({ settings }: Pick<PresetRun, 'settings'>): boolean {
  return settings.rounds !== undefined;
}

function bitsOf({ settings }: Pick<PresetRun, 'settings'>): number {
  return settings.wireBits ?? 32;
}

function isSameRecipe(a: Subject, b: Subject): boolean {
  return isDeepStrictEqual(a.settings, b.settings);
}

/** The order of the report: rounds last, by data set, in the order in which the presets are declared, most bits first. */
function rank(run: Subject): number {
  const place = 10 * datasetNames.indexOf(run.dataset) + (isInRounds(run) ? 100 : 0);
  return 100 * (place + Object.keys(presets).indexOf(run.preset)) - bitsOf(run);
}

/** The runs in ordinary steps. */
export function runsOf({ runs }: Report, preset: string, dataset: DatasetName): PresetRun[] {
  return runs.filter((run) => run.preset === preset && run.dataset === dataset && !isInRounds(run));
}

/** The table for users: a row for each preset. Accuracies are means over the seeds, times are medians. */
export function presetTable(report: Report): Table {
  const columns = [
    'preset',
    'what it is',
    'parameters',
    'bytes of a gradient',
    'MNIST',
    'time',
    'Fashion-MNIST',
    'drawings',
  ];
  const rows = Object.entries(presets).map(([name, { description, model }]) => {
    const [mnist, fashion] = datasetNames.map((dataset) => runsOf(report, name, dataset));
    return [
      `\`${name}\``,
      description,
      grouped(parameterCount(model)),
      grouped(4 * parameterCount(model)),
      meanAccuracy(mnist),
      mnist.length === 0 ? '-' : duration(median(mnist.map(({ seconds }) => seconds))),
      meanAccuracy(fashion),
      drawnRange(mnist),
    ];
  });
  return { title: '', columns, rows };
}

/** The table for users of rounds: a row for each preset that was trained in them. Accuracies are means over the seeds. */
export function roundsTable(report: Report): Table {
  const columns = [
    'trained in rounds',
    'replicas x local steps x micro-batch',
    'rounds',
    ...roundsBits.map((bits) => `${bits} bits`),
    'ordinary steps',
    'accuracy',
  ];
  const inRounds = report.runs.filter(isInRounds);
  const names = [...new Set(inRounds.map(({ preset }) => preset))];
  const rows = names.map((name) => {
    const runs = inRounds.filter(({ preset }) => preset === name);
    const ordinary = runsOf(report, name, 'mnist');
    return [
      `\`${name}\``,
      roundOf(runs[0]),
      grouped(updatesOf(runs[0])),
      ...roundsBits.map((bits) => meanAccuracy(runs.filter((run) => bitsOf(run) === bits))),
      ordinary.length === 0 ? '-' : grouped(updatesOf(ordinary[0])),
      meanAccuracy(ordinary),
    ];
  });
  return { title: '', columns, rows };
}

function roundOf({ settings: { rounds, batch, microBatch } }: PresetRun): string {
  const steps = rounds?.steps ?? 1;
  return `${batch / (steps * microBatch)} x ${steps} x ${microBatch}`;
}

/** How often the weights of a run on MNIST are updated, which is how often a fleet exchanges numbers. */
function updatesOf({ settings: { epochs, batch, microBatch, rounds } }: PresetRun): number {
  return epochs * epochShape({ samples: 60_000, batch, microBatch, rounds }).stepsPerEpoch;
}

function meanAccuracy(runs: readonly PresetRun[]): string {
  return runs.length === 0 ? '-' : percent(mean(runs.map(({ accuracy }) => accuracy)));
}

function drawnRange(runs: readonly PresetRun[]): string {
  const right = runs.flatMap(({ drawn }) => (drawn === null ? [] : [drawn.right]));
  if (right.length === 0) return '-';
  const [least, most] = [Math.min(...right), Math.max(...right)];
  return least === most ? String(least) : `${least}-${most}`;
}

/** Puts the table in the place of the one with the same first column that the page has. */
export function withTable(page: string, table: Table): string {
  const lines = page.split('\n');
  const first = lines.findIndex((line) => line.startsWith(`| ${table.columns[0]} |`));
  if (first < 0) throw new Error(`the page has no table that begins with | ${table.columns[0]} |`);
  const after = lines.findIndex((line, i) => i > first && !line.startsWith('|'));
  const cells = (row: readonly string[]) => `| ${row.join(' | ')} |`;
  // The first two columns are text, the others numbers.
  const rule = cells(table.columns.map((_, i) => (i < 2 ? '---' : '---:')));
  lines.splice(first, after - first, cells(table.columns), rule, ...table.rows.map(cells));
  return lines.join('\n');
}

export function renderReport(report: Report): string {
  return `${[
    '# What the presets reach',
    'Written by `npm run presets -- --report`. Every run is `lockstep train --preset NAME` with nothing but a data set and a ' +
      'seed: the settings come with the preset, except that Fashion-MNIST is not distorted. The accuracy is that of the last weights on the 10,000 images of the test ' +
      'set; the best epoch does not count. The settings were chosen by the test accuracy of few runs, so a fresh test set ' +
      'would probably show a little less.',
    'Accuracies in this table are means over the seeds, times are medians. A gradient has 4 bytes for each parameter: a ' +
      'worker sends one for each part of a step that it computes, and gets the new weights, which are as large. Drawings: how many of the [sixty ' +
      'drawings](../drawn/drawings.ts) models that learnt from MNIST get right.',
    renderTable(presetTable(report)),
    ...datasetNames.flatMap((dataset) => renderRuns(report, dataset)),
    ...renderRounds(report),
    '## Machine and versions',
    ...report.environments.map((environment) => renderTable({ title: '', columns: ['', ''], rows: environment })),
  ].join('\n\n')}\n`;
}

function renderRuns(report: Report, dataset: DatasetName): string[] {
  const runs = report.runs.filter((run) => run.dataset === dataset && !isInRounds(run));
  if (runs.length === 0) return [];
  const unsure = dataset === 'mnist' ? ['drawings right', 'not sure of the wrong', 'not sure of the right'] : [];
  const columns = ['preset', 'seed', 'accuracy', 'time', 'samples/s', ...unsure, 'machine', 'weights'];
  const rows = runs.map((run) => [
    run.preset,
    String(run.seed),
    percent(run.accuracy),
    duration(run.seconds),
    grouped(run.samplesPerSecond),
    ...(run.drawn === null ? unsure.map(() => '-') : drawnCells(run.drawn)),
    String(run.environment + 1),
    run.weightsSha256.slice(0, 16),
  ]);
  const subjects = (Object.keys(presets) as PresetName[]).flatMap((name) => runsOf(report, name, dataset).slice(0, 1));
  return [
    `## ${titles[dataset]}`,
    renderTable({ title: '', columns, rows }),
    ...subjects.map(
      ({ preset, settings }) => `\`${commandFor(preset, dataset, 1)}\`: ${JSON.stringify(settings, shorterNumbers)}`,
    ),
  ];
}

function renderRounds(report: Report): string[] {
  const runs = report.runs.filter(isInRounds);
  if (runs.length === 0) return [];
  const columns = ['preset', 'bits', 'seed', 'accuracy', 'machine', 'weights'];
  const rows = runs.map((run) => [
    run.preset,
    String(bitsOf(run)),
    String(run.seed),
    percent(run.accuracy),
    String(run.environment + 1),
    run.weightsSha256.slice(0, 16),
  ]);
  const subjects = runs.filter((run, i) => run.preset !== runs[i - 1]?.preset);
  return [
    '## In local rounds',
    'Written by `npm run presets -- --report --rounds`: the same commands with `--local-steps 16` on MNIST, and with ' +
      '`--wire-bits`. A fleet exchanges numbers once a round, instead of once a step. Accuracies in this table are means over the ' +
      'seeds; the last two columns are those of the runs above.',
    renderTable(roundsTable(report)),
    renderTable({ title: '', columns, rows }),
    ...subjects.map(
      ({ preset, settings }) =>
        `\`${[commandFor(preset, 'mnist', 1), ...roundsOptions(32)].join(' ')}\`: ${JSON.stringify(settings, shorterNumbers)}`,
    ),
  ];
}

/** What a run in rounds is given besides. */
export function roundsOptions(bits: number): readonly string[] {
  return ['--local-steps', '16', ...(bits === 32 ? [] : ['--wire-bits', String(bits)])];
}

function drawnCells({ right, wrong, unsureOfWrong, unsureOfRight }: Drawn): string[] {
  return [`${right} of ${right + wrong}`, `${unsureOfWrong} of ${wrong}`, `${unsureOfRight} of ${right}`];
}

/** A replacer for JSON. */
function shorterNumbers(_: string, value: unknown): unknown {
  return typeof value === 'number' ? shorter(value) : value;
}

/** The command with which everybody gets the same weights. */
export function commandFor(preset: PresetName, dataset: DatasetName, seed: number): string {
  const command = `npx lockstep train --preset ${preset} --dataset ${dataset} --seed ${seed}`;
  return [command, ...besides(preset, dataset)].join(' ');
}

/** What a run is given besides its preset: pictures of clothes all lie alike, so distorted ones teach a network little. */
export function besides(preset: PresetName, dataset: DatasetName): readonly string[] {
  const distorts = presets[preset].training?.augment !== undefined;
  return distorts && dataset === 'fashion-mnist' ? ['--augment', 'none'] : [];
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function duration(seconds: number): string {
  return seconds < 100 ? `${seconds.toFixed(seconds < 10 ? 1 : 0)} s` : `${(seconds / 60).toFixed(1)} min`;
}
