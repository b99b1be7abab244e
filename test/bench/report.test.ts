import { expect, test } from 'vitest';
import { multiplications } from '../../coordinator/plan/step-work.js';
import { parseModel } from '../../shared/model/description.js';
import { Findings } from './findings.js';
import { mergeReport, type Report, renderReport, renderTargets } from './report.js';
import { convolutionRows, rows } from './rows.js';

test('every row is a model that the command line takes, in micro-batches that fit its batch', () => {
  for (const row of [...rows, ...convolutionRows]) {
    const { model } = row.network;
    expect(parseModel(JSON.stringify(model), row.name)).toEqual(model);
    expect(row.batch % row.microBatch).toBe(0);
  }
  expect(multiplications(rows[0].network.model)).toBe(784 * 100 + 100 + 100 * 10 + 10);
  const [{ network: small }] = convolutionRows;
  expect(multiplications(small.model)).toBe(26 * 24 * 24 * 24 + (9 * 24 + 1) * 32 * 10 * 10 + 801 * 10);
});

test('the report names the machine, what was left out, and targets that were missed', () => {
  const findings = new Findings('train', 'Training');
  findings.table('Samples/s', ['who', 'rate'], [['we', '12 k']]);
  findings.contest('a row', [
    { name: 'we', side: 'ours', scheduling: 'other', command: 'lockstep train', values: [1] },
    { name: 'they', side: 'peer', scheduling: 'other', command: 'python3', values: [], fault: 'no torch' },
  ]);
  findings.target('speed', '2 x', '1.50 x', false);
  const page = renderReport({
    environment: [['processor', 'abacus, 2 cores']],
    rounds: 5,
    remark: 'A remark.',
    sections: [findings],
    skipped: ['javascript: not installed'],
  });
  expect(page).toContain('abacus, 2 cores');
  expect(page).toContain('- javascript: not installed');
  expect(page).toMatch(/\| speed +\| +2 x +\| +1.50 x +\| \*\*not reached\*\* \|/);
  expect(page).toContain('a row: they gave no figure: no torch');
  expect(page).toContain('    lockstep train\n    python3\n');
});

test('without targets there is no table', () => {
  expect(renderTargets([])).toBe('None of the sections that ran has a target.');
});

test('a section that was measured alone takes its place in the report, and names its own machine and commit', () => {
  const report = (commit: string, ...names: string[]): Report => ({
    environment: [['commit', commit]],
    rounds: 5,
    remark: '',
    sections: names.map((name) => new Findings(name, `${name} at ${commit}`)),
    skipped: [],
  });
  const whole = report('old', 'train', 'scaling', 'growth');
  const merged = mergeReport(whole, report('new', 'scaling', 'start'));
  expect(merged.environment).toEqual(whole.environment);
  expect(merged.sections.map(({ title }) => title)).toEqual([
    'train at old',
    'scaling at new',
    'growth at old',
    'start at new',
  ]);
  const page = renderReport(merged);
  expect(page.match(/commit +\| new/g)).toHaveLength(2);
  expect(page.match(/commit +\| old/g)).toHaveLength(1);
});
