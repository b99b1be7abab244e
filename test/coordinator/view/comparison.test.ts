import { expect, test } from 'vitest';
import type { ConfigFile } from '../../../coordinator/archive/config.js';
import { type Comparable, compareRuns } from '../../../coordinator/view/comparison.js';
import { ViewedDirectory } from '../../../coordinator/view/viewed-directory.js';
import { config } from '../archive/samples.js';
import { openRecorded, WrittenRun } from './fixture.js';

async function run(path: string, changes: Partial<ConfigFile> = {}, accuracy = 0.5): Promise<Comparable> {
  const files = new WrittenRun();
  files.putSteps(1, 6, (step) => (step % 3 === 0 ? { testLoss: 1 / step, testAccuracy: accuracy } : {}));
  const evaluator = { evaluate: () => Promise.reject(new Error('not asked for')) };
  const view = new ViewedDirectory(await openRecorded(files), { evaluator, data: null, runs: 2, clock: () => 0 });
  await view.look();
  return { ...view.comparable, path, config: { ...config, ...changes } };
}

test('runs are compared by the fields that differ, in the order of config.json, and by nothing else', async () => {
  const layers = [
    { dense: 4, activation: 'relu' as const },
    { dense: 3, activation: 'linear' as const },
  ];
  const { fields } = compareRuns([
    await run('runs/a'),
    await run('runs/b', { optimizer: { ...config.optimizer, rate: Math.fround(0.3) }, seed: 2 }),
    await run('runs/c', { model: { ...config.model, layers }, maxSteps: 9 }),
  ]);
  expect(fields).toEqual([
    {
      field: 'model.layers',
      values: [
        'dense 3 activation linear',
        'dense 3 activation linear',
        'dense 4 activation relu, then dense 3 activation linear',
      ],
    },
    { field: 'optimizer.rate', values: ['0.1', '0.3', '0.1'] },
    { field: 'seed', values: ['1', '2', '1'] },
    { field: 'maxSteps', values: ['not set', 'not set', '9'] },
  ]);
  expect(compareRuns([await run('a'), await run('b')]).fields).toEqual([]);
});

test('a level deeper, and a field that only one run has, differ as well', async () => {
  const other = { ...config, dataset: { ...config.dataset, sha256: 'f'.repeat(64) }, fused: true };
  const { fields } = compareRuns([await run('a'), await run('b', other)]);
  expect(fields).toEqual([
    { field: 'dataset.sha256', values: ['a'.repeat(64), 'f'.repeat(64)] },
    { field: 'fused', values: [null, 'true'] },
  ]);
});

test('names of classes are a list, and a shape is not', async () => {
  const other = { ...config, dataset: { ...config.dataset, shape: [4, 4], classNames: ['cat', 'dog'] } };
  const { fields } = compareRuns([await run('a'), await run('b', other)]);
  expect(fields).toEqual([
    { field: 'dataset.shape', values: ['2', '4×4'] },
    { field: 'dataset.classNames', values: [null, 'cat, dog'] },
  ]);
});

test('the curve of a run is its evaluations, and its result is beside them', async () => {
  const [{ result, fault, name, id }] = compareRuns([await run('runs/a', {}, 0.75)]).runs;
  expect({ fault, name, id }).toEqual({ fault: null, name: 'a', id: 0 });
  expect(result?.curve.map(({ step, testAccuracy }) => [step, testAccuracy])).toEqual([
    [3, 0.75],
    [6, 0.75],
  ]);
  expect(result).toMatchObject({ phase: 'stale', step: 6, testAccuracy: 0.75, bestTestAccuracy: 0.75 });
});

test('a directory that is no run stays in its place with its fault, and changes no comparison', async () => {
  const broken = { path: 'runs/broken', fault: 'runs/broken is no run directory' };
  const { runs, fields } = compareRuns([await run('runs/a', { seed: 3 }), broken, await run('runs/c')]);
  expect(runs.map(({ id, name, fault }) => [id, name, fault])).toEqual([
    [0, 'a', null],
    [1, 'broken', broken.fault],
    [2, 'c', null],
  ]);
  expect(runs[1].result).toBe(null);
  expect(fields).toEqual([{ field: 'seed', values: ['3', null, '1'] }]);
});

test('runs of one name are told apart by their paths', async () => {
  const { runs } = compareRuns([await run('x/a'), await run('y/a/'), await run('y/b')]);
  expect(runs.map(({ name }) => name)).toEqual(['x/a', 'y/a/', 'b']);
});
