/** Tests the places in which a view looks for runs and test sets. */
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ConfigDataset } from '../../../coordinator/archive/config.js';
import { loadDataset } from '../../../coordinator/data/load.js';
import { newestRun } from '../../../coordinator/view/newest-run.js';
import { findTestSet, type Wanted } from '../../../coordinator/view/test-set.js';
import { writeDigits } from '../../digits-directory.js';

let scratch: string;
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'lockstep-view-'));
});
afterAll(() => rmSync(scratch, { recursive: true }));

describe('the newest run', () => {
  /** Makes a run directory whose files were changed at these times, in seconds. */
  function run(name: string, config: number, metrics: number | null): void {
    const path = join(scratch, 'runs', name);
    mkdirSync(path, { recursive: true });
    for (const [file, at] of [['config.json', config] as const, ['metrics.jsonl', metrics] as const]) {
      if (at === null) continue;
      writeFileSync(join(path, file), '{}');
      utimesSync(join(path, file), at, at);
    }
  }

  it('is the one whose files changed last, whatever its name; directories that are no runs do not count', async () => {
    run('b', 1000, 2000);
    run('a', 900, 3000);
    run('c', 2500, null);
    mkdirSync(join(scratch, 'runs', 'z'));
    writeFileSync(join(scratch, 'runs', 'y'), 'a file');
    expect(await newestRun(join(scratch, 'runs'))).toBe(join(scratch, 'runs', 'a'));
    run('d', 4000, null);
    expect(await newestRun(join(scratch, 'runs'))).toBe(join(scratch, 'runs', 'd'));
  });

  it('is none where there is no run, which is said', async () => {
    await expect(newestRun(join(scratch, 'nowhere'))).rejects.toMatchObject({
      code: 'run-invalid',
      message: expect.stringMatching(/^there is no run in .*nowhere: name one \(lockstep view RUN\)/),
    });
  });
});

describe('the test set of a run', () => {
  let data: string;
  let other: string;
  let dataset: ConfigDataset;
  const nothing = { XDG_CACHE_HOME: '/nowhere' };

  beforeAll(async () => {
    data = writeDigits(join(scratch, 'data'), { train: 40, test: 12 });
    other = writeDigits(join(scratch, 'other'), { train: 40, test: 13 });
    const { train, test, sha256, classes } = await loadDataset({ dataset: 'auto', directory: data });
    dataset = { name: 'data', sha256, train: train.count, test: test.count, shape: train.shape, classes };
  });

  const wanted = (more: Partial<Wanted>): Wanted => ({ dataset, data: null, given: null, set: 'test', ...more });
  const found = async (more: Partial<Wanted>, environment: Record<string, string> = nothing) =>
    (await findTestSet(wanted(more), environment)).count;

  it('is found in the directory that is given, in that of the run, and in LOCKSTEP_DATA', async () => {
    expect(await found({ given: data, data: '/moved/away' })).toBe(12);
    expect(await found({ data })).toBe(12);
    expect(await found({ data: '/moved/away' }, { ...nothing, LOCKSTEP_DATA: data })).toBe(12);
    expect(await found({ data: other }, { ...nothing, LOCKSTEP_DATA: data })).toBe(12);
  });

  it('is the end of the training set for a run with a validation set', async () => {
    const { train } = await loadDataset({ dataset: 'auto', directory: data });
    const validated = { ...dataset, train: 33, validation: 7 };
    const { labels, images, count } = await findTestSet(
      wanted({ data, set: 'validation', dataset: validated }),
      nothing,
    );
    expect(count).toBe(7);
    expect(labels).toEqual(train.labels.slice(33));
    expect(images).toEqual(train.images.slice((33 * train.images.length) / 40));
  });

  it('is not another one, whatever its name: which ones were found is said, and what to do', async () => {
    await expect(found({ data: other }, { ...nothing, LOCKSTEP_DATA: '/nor/here' })).rejects.toMatchObject({
      code: 'data-unavailable',
      message: expect.stringMatching(
        /^the run's test set \(data, SHA-256 \w{8}…\) is not on this machine: .*other: another data set, \w{8}…; \/nor\/here: no such file.*; start `lockstep view` with --data DIR/,
      ),
    });
  });

  it('is looked for only in the directory that is given, where one is', async () => {
    await expect(found({ given: other, data })).rejects.toMatchObject({ code: 'data-unavailable' });
  });
});
