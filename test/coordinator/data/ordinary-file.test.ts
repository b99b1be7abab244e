/** Tests that a name which a user gives can neither stop the program for ever nor fill the memory. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { checkReplaceable, readOrdinaryFile, readOrdinaryFileSync } from '../../../coordinator/data/ordinary-file.js';
import { openModel } from '../../../coordinator/model/open-model.js';
import { readSamples } from '../../../coordinator/picture/read-samples.js';

const root = mkdtempSync(join(tmpdir(), 'lockstep-ordinary-'));
afterAll(() => rmSync(root, { recursive: true }));

/** Makes a pipe that nobody writes into. */
function pipe(): string {
  const path = join(root, 'pipe');
  spawnSync('mkfifo', [path]);
  return path;
}

async function refused(path: string, pattern: RegExp): Promise<void> {
  await expect(readOrdinaryFile(path, 100)).rejects.toThrow(pattern);
  expect(() => readOrdinaryFileSync(path, 100)).toThrow(pattern);
}

test('a file is read up to its limit', async () => {
  const path = join(root, 'file');
  writeFileSync(path, 'content');
  expect((await readOrdinaryFile(path, 7)).toString()).toBe('content');
  expect(readOrdinaryFileSync(path, 7).toString()).toBe('content');
  truncateSync(path, 101);
  await refused(path, /^it has 101 bytes, allowed are 100$/);
  await refused(root, /^it is a directory, not a file$/);
  await refused(join(root, 'none'), /ENOENT/);
});

test.skipIf(process.platform === 'win32')('pipes and devices are refused at once', async () => {
  await refused(pipe(), /^it is no ordinary file$/);
  await refused('/dev/zero', /^it is no ordinary file$/);
  await expect(openModel(pipe())).rejects.toMatchObject({
    code: 'weights-invalid',
    message: expect.stringContaining('it is no ordinary file'),
  });
  await expect(readSamples(pipe(), [28, 28], 'auto')).rejects.toMatchObject({
    code: 'picture-invalid',
    message: expect.stringContaining('it is no ordinary file'),
  });
});

test.skipIf(process.platform === 'win32')('pipes, devices and directories are not replaced', async () => {
  await expect(checkReplaceable(pipe())).rejects.toThrow(/^it is no ordinary file$/);
  await expect(checkReplaceable('/dev/null')).rejects.toThrow(/^it is no ordinary file$/);
  await expect(checkReplaceable(root)).rejects.toThrow(/^it is a directory, not a file$/);
  await checkReplaceable(join(root, 'none'));
  writeFileSync(join(root, 'file'), 'content');
  await checkReplaceable(join(root, 'file'));
});
