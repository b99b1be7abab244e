/** README.md, the report's page and its figures say the same, and the figures are those of today's settings. */
import { readFileSync } from 'node:fs';
import { describe, expect, it, test } from 'vitest';
import { completeSettings } from '../../coordinator/run/settings.js';
import { presets } from '../../shared/model/presets.js';
import { outerDefault } from '../../shared/optimizer/rounds.js';
import type { Environment } from '../bench/environment.js';
import { parseOptions } from './options.js';
import {
  besides,
  isInRounds,
  merged,
  type PresetRun,
  presetTable,
  type Report,
  renderReport,
  roundsTable,
  withTable,
} from './report.js';

const read = (name: string) => readFileSync(new URL(`../../../${name}`, import.meta.url), 'utf8');
const committed = JSON.parse(read('test/presets/report.json')) as Report;

describe('the committed report', () => {
  it('is the page that is made from its figures', () => {
    expect(read('test/presets/REPORT.md')).toBe(renderReport(committed));
  });

  it("has the README's tables", () => {
    const page = read('README.md');
    expect(withTable(page, presetTable(committed))).toBe(page);
    expect(withTable(page, roundsTable(committed))).toBe(page);
  });

  it('has every preset', () => {
    expect(new Set(committed.runs.map(({ preset }) => preset))).toEqual(new Set(Object.keys(presets)));
  });

  it('has runs with the settings that their presets have now', () => {
    for (const { preset, dataset, settings } of committed.runs) {
      const augmented = besides(preset, dataset).includes('none') ? { augment: null } : {};
      const { rounds: ranRounds, wireBits } = settings;
      const given = { preset, ...augmented, localSteps: ranRounds?.steps, wireBits };
      const { epochs, batch, microBatch, rounds, optimizer, schedule, augment, smoothing } = completeSettings(
        given,
        null,
      );
      const {
        schedule: ran = { name: 'constant' },
        augment: distorted = null,
        smoothing: smoothed = 0,
        ...rest
      } = settings;
      expect(rest, preset).toEqual({ epochs, batch, microBatch, rounds, wireBits, optimizer });
      expect([ran, distorted, smoothed], preset).toEqual([schedule, augment, smoothing]);
    }
  });

  it('has the weights of the default run that everybody gets', () => {
    const [run] = committed.runs.filter(
      (run) => run.preset === 'mlp' && run.seed === 1 && run.dataset === 'mnist' && !isInRounds(run),
    );
    expect(read('README.md')).toContain(`weights ${run.weightsSha256}`);
  });
});

const settings = (epochs: number) => ({ epochs, batch: 128, microBatch: 16, optimizer: presets.mlp.optimizer });
const machine = (name: string): Environment => [['processor', name]];
const ran = (more: Partial<PresetRun> = {}): Omit<PresetRun, 'environment'> => ({
  preset: 'mlp',
  dataset: 'mnist',
  seed: 1,
  settings: settings(10),
  accuracy: 0.97,
  seconds: 12,
  samplesPerSecond: 50_000,
  weightsSha256: 'a'.repeat(64),
  drawn: { right: 50, wrong: 10, unsureOfRight: 5, unsureOfWrong: 8 },
  ...more,
});
const nothing: Report = { environments: [], runs: [] };

describe('a run that is added', () => {
  const both = merged(nothing, machine('abacus'), [ran(), ran({ seed: 2, accuracy: 0.99 })]);

  it('replaces the one with its seed, and names its own machine', () => {
    const again = merged(both, machine('slide rule'), [ran({ accuracy: 0.98 })]);
    expect(again.runs.map(({ accuracy, environment }) => [accuracy, environment])).toEqual([
      [0.98, 0],
      [0.99, 1],
    ]);
    expect(again.environments).toEqual([machine('slide rule'), machine('abacus')]);
  });

  it('removes those of the same preset and data set that had other settings', () => {
    const others = merged(both, machine('abacus'), [
      ran({ dataset: 'fashion-mnist', drawn: null }),
      ran({ preset: 'softmax' }),
    ]);
    const after = merged(others, machine('abacus'), [ran({ seed: 3, settings: settings(20) })]);
    expect(after.runs.map(({ preset, dataset, seed }) => [preset, dataset, seed])).toEqual([
      ['mlp', 'mnist', 3],
      ['softmax', 'mnist', 1],
      ['mlp', 'fashion-mnist', 1],
    ]);
    expect(after.environments).toHaveLength(1);
  });
});

test('the table has the mean of the accuracies, the median of the times and a dash for what was not measured', () => {
  const runs = [
    ran(),
    ran({ seed: 2, accuracy: 0.99, seconds: 130 }),
    ran({ seed: 3, accuracy: 0.98, seconds: 200, drawn: null }),
  ];
  const rows = presetTable(merged(nothing, machine('abacus'), runs)).rows;
  expect(rows[0]).toEqual(['`mlp`', presets.mlp.description, '101,770', '407,080', '98.00 %', '2.2 min', '-', '50']);
  expect(rows[1].slice(4)).toEqual(['-', '-', '-', '-']);
  expect(rows).toHaveLength(Object.keys(presets).length);
});

test('the table of rounds has the mean of each number of bits, and how often numbers are exchanged', () => {
  const outer = outerDefault;
  const inRounds = { ...settings(10), batch: 4096, microBatch: 32, rounds: { steps: 16, outer } };
  const coarse = { ...inRounds, wireBits: 4 } as const;
  const runs = [
    ran(),
    ran({ settings: inRounds, accuracy: 0.98 }),
    ran({ settings: inRounds, seed: 2, accuracy: 0.99 }),
    ran({ settings: coarse, accuracy: 0.96 }),
  ];
  const report = merged(merged(nothing, machine('abacus'), runs), machine('abacus'), [
    ran({ seed: 2, accuracy: 0.95 }),
  ]);
  expect(report.runs).toHaveLength(5);
  expect(roundsTable(report).rows).toEqual([
    ['`mlp`', '8 x 16 x 32', '150', '98.50 %', '-', '96.00 %', '4,690', '96.00 %'],
  ]);
});

test('a table takes the place of the one that a page has, and of nothing else', () => {
  const table = { title: '', columns: ['a', 'b', 'c'], rows: [['1', '2', '3']] };
  const made = '| a | b | c |\n| --- | --- | ---: |\n| 1 | 2 | 3 |';
  expect(withTable('text\n| b |\n\n| a | old |\n| --- |\n\nend', table)).toBe(`text\n| b |\n\n${made}\n\nend`);
  expect(() => withTable('text', table)).toThrow('no table that begins with | a |');
});

describe('the command line', () => {
  it('chooses presets, data sets and seeds', () => {
    const options = parseOptions(['--only', 'cnn-small,mlp', '--dataset', 'mnist', '--seeds', '1,4', '--limit', '60']);
    const chosen = { presets: ['cnn-small', 'mlp'], datasets: ['mnist'], seeds: [1, 4], limitSeconds: 60 };
    expect(options).toEqual({ ...chosen, report: false, rounds: false, extra: [] });
    const inRounds = { presets: ['mlp', 'cnn-small', 'lenet5'], datasets: ['mnist'], rounds: true };
    expect(parseOptions(['--rounds'])).toMatchObject(inRounds);
    expect(parseOptions(['--', '--epochs', '2']).extra).toEqual(['--epochs', '2']);
  });

  it.each([
    [['--only', 'alexnet'], 'there is no preset alexnet: use some of mlp'],
    [['--dataset', 'digits'], 'there is no data set digits: use some of mnist, fashion-mnist'],
    [['--seeds', '1,x'], '--seeds has "x", which is no whole number'],
    [['--report', '--', '--epochs', '2'], 'only runs with the settings of the preset'],
  ])('%j is refused', (words, sentence) => {
    expect(() => parseOptions(words)).toThrow(sentence);
  });
});
