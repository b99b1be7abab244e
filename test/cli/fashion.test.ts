/** Trains on a published data set that is not MNIST: Fashion-MNIST, from Debian's package dataset-fashion-mnist. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { publishedDatasets } from '../../coordinator/data/published.js';
import { lockstep, lockstepWith, scratch, summaryOf } from './fixture.js';

const datasets = '/usr/share/datasets';
const data = join(datasets, 'fashion-mnist');
const { 'fashion-mnist': fashion } = publishedDatasets;

describe.skipIf(!existsSync(data))('Fashion-MNIST of Debian', { timeout: 120_000 }, () => {
  test('is recognised by its hash, and a little training learns most of it', async () => {
    const out = join(scratch(), 'fashion');
    const words = ['train', '--data', data, '--epochs', 1, '--out', out];
    expect(await lockstep(...words).ended).toMatchObject({ code: 0, stderr: '' });
    const config = JSON.parse(readFileSync(join(out, 'config.json'), 'utf8'));
    const { name, sha256, classNames } = fashion;
    expect(config).toMatchObject({ data, dataset: { name, sha256, classes: 10, classNames, train: 60_000 } });
    expect(summaryOf(out).testAccuracy).toBeGreaterThan(0.8);
    // It goes on with the same data set.
    expect(await lockstep('train', '--resume', out, '--epochs', 2).ended).toMatchObject({ code: 0, stderr: '' });
    expect(summaryOf(out)).toMatchObject({ epochs: 2, datasetSha256: sha256 });
  });

  test('is found by its name among others, and is no MNIST', async () => {
    const out = join(scratch(), 'by-name');
    const variables = { LOCKSTEP_DATA: datasets };
    const words = ['--max-steps', 1, '--out', out];
    const named = lockstepWith(variables, 'train', '--dataset', fashion.name, ...words);
    expect(await named.ended).toMatchObject({ code: 0, stderr: '' });
    expect(summaryOf(out).datasetSha256).toBe(fashion.sha256);
    const wrong = await lockstep('train', '--dataset', 'mnist', '--data', data, '--out', join(scratch(), 'wrong'))
      .ended;
    expect(wrong.code).toBe(1);
    expect(wrong.stderr).toContain(`${data} holds another data set than mnist`);
  });
});
