/** Tests `lockstep export` as a user runs it. */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { lockstep, scratch, smallDataset, summaryOf } from './fixture.js';

const safety = { timeout: 60_000 };

let data: string;
let run: string;
beforeAll(async () => {
  data = smallDataset();
  run = join(scratch(), 'trained');
  await lockstep('train', '--data', data, '--max-steps', 20, '--out', run).ended;
}, 60_000);

test('writes a model and says where; its card tells how to train the same weights again', safety, async () => {
  const out = join(scratch(), 'exported');
  const { code, stdout, stderr } = await lockstep('export', run, '--format', 'onnx', '--out', out).ended;
  const { weightsSha256 } = summaryOf(run);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(readdirSync(out).sort()).toEqual(['README.md', 'config.json', 'model.onnx']);
  expect(stdout).toMatch(/model\.onnx: [\d,]+ bytes\n/);
  expect(stdout).toContain(`weights ${weightsSha256}\n`);

  const [, again] = readFileSync(join(out, 'README.md'), 'utf8').match(/npx lockstep (train --resume again .*)/) ?? [];
  const directory = join(scratch(), 'again');
  mkdirSync(directory);
  cpSync(join(out, 'config.json'), join(directory, 'config.json'));
  const words = again.replace('again', directory).split(' ');
  const trained = await lockstep(...words, '--data', data).ended;
  expect(trained).toMatchObject({ code: 0, stderr: '' });
  expect(trained.stdout).not.toMatch(/"level":"(warn|error)"/);
  expect(summaryOf(directory).weightsSha256).toBe(weightsSha256);
});

test.each([
  [['--format', 'keras'], 2, /Invalid values:\s+Argument: format, Given: "keras", Choices: "onnx", "safetensors"/],
  [[], 2, /Missing required argument: format/],
  [['--format', 'onnx', '--format', 'tfjs'], 2, /given twice|Invalid values/],
])('%j is wrong usage', safety, async (words, status, pattern) => {
  const { code, stderr } = await lockstep('export', run, ...words, '--out', join(scratch(), 'wrong')).ended;
  expect(stderr).toMatch(pattern);
  expect(code).toBe(status);
  expect(existsSync(join(scratch(), 'wrong'))).toBe(false);
});

test('what is no model is refused in a sentence', safety, async () => {
  const { code, stderr } = await lockstep('export', join(data, 'train-labels-idx1-ubyte'), '--format', 'onnx').ended;
  expect(stderr).toMatch(/^lockstep: .*train-labels-idx1-ubyte cannot be used: /);
  expect(stderr).not.toMatch(/\n\s+at /);
  expect(code).toBe(1);
});
