/** Tests `lockstep eval` from outside: it finds what the run found, bit for bit, and refuses what it cannot evaluate. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { decodePng } from '../../coordinator/picture/read-png.js';
import { encodeIdx } from '../../shared/data/idx.js';
import { writeDigits } from '../digits-directory.js';
import { lockstep, scratch, smallDataset, summaryOf } from './fixture.js';

const safety = { timeout: 60_000 };

let data: string;
let run: string;
beforeAll(async () => {
  data = smallDataset();
  run = join(scratch(), 'run');
  const { code, stderr } = await lockstep('train', '--data', data, '--out', run, '--epochs', 2).ended;
  expect(code, stderr).toBe(0);
}, safety.timeout);

async function evaluated(...words: (string | number)[]) {
  const { code, stdout, stderr } = await lockstep('eval', ...words, '--json').ended;
  expect([code, stderr]).toEqual([0, '']);
  return JSON.parse(stdout);
}

async function expectRefused(words: (string | number)[], exitCode: number, pattern: RegExp): Promise<void> {
  const { code, stdout, stderr } = await lockstep('eval', ...words).ended;
  expect(stderr).toMatch(pattern);
  expect(stderr).toMatch(/^lockstep: /);
  expect(stderr).not.toMatch(/\n\s+at |node:internal/);
  expect([code, stdout]).toEqual([exitCode, '']);
}

const checkpoints = () => readdirSync(join(run, 'checkpoints')).sort();

describe('a run is evaluated to what its own last evaluation found, bit for bit', () => {
  test.each([
    ['one thread', ['--threads', 1]],
    ['three threads', ['--threads', 3]],
    ['WebAssembly', ['--kernels', 'wasm']],
    ['another place of the data', ['--data', 'DATA']],
  ])('with %s', safety, async (_, words) => {
    const found = await evaluated(run, ...words.map((word) => (word === 'DATA' ? data : word)));
    const { testAccuracy, testLoss, weightsSha256, steps } = summaryOf(run);
    expect([found.accuracy, found.loss]).toEqual([testAccuracy, testLoss]);
    expect(found.model).toEqual({ path: run, step: steps, weightsSha256 });
    expect(found.dataset).toMatchObject({ trainedOn: true });
  });

  test('by its model file, and by its checkpoints', safety, async () => {
    const { testAccuracy, testLoss, steps } = summaryOf(run);
    const path = join(run, 'model.safetensors');
    const byModel = await evaluated(path);
    expect(byModel).toMatchObject({ accuracy: testAccuracy, loss: testLoss, model: { path, step: null } });
    const [first, last] = checkpoints();
    expect(await evaluated(join(run, 'checkpoints', last))).toMatchObject({ loss: testLoss, model: { step: steps } });
    const lines = readFileSync(join(run, 'metrics.jsonl'), 'utf8').trim().split('\n');
    const line = lines
      .map((text) => JSON.parse(text))
      .find(({ step }) => first.includes(String(step).padStart(8, '0')));
    expect(await evaluated(join(run, 'checkpoints', first))).toMatchObject({
      loss: line.testLoss,
      accuracy: line.testAccuracy,
    });
  });

  test('also while it has not ended', safety, async () => {
    const unfinished = join(scratch(), 'unfinished');
    cpSync(run, unfinished, { recursive: true });
    rmSync(join(unfinished, 'summary.json'));
    rmSync(join(unfinished, 'model.safetensors'));
    expect(await evaluated(unfinished)).toMatchObject({ loss: summaryOf(run).testLoss });
  });
});

test('confusion, classes and mistakes agree with each other', safety, async () => {
  const { samples, correct, confusion, classes, mistakes } = await evaluated(run);
  const sum = (values: number[]) => values.reduce((total, value) => total + value, 0);
  expect(samples).toBe(300);
  expect(sum(confusion.flat())).toBe(samples);
  expect(sum(confusion.map((row: number[], label: number) => row[label]))).toBe(correct);
  expect(mistakes).toHaveLength(samples - correct);
  for (const { label, predicted } of mistakes) expect(confusion[label][predicted]).toBeGreaterThan(0);
  const certainties = mistakes.map(({ certainty }: { certainty: number }) => certainty);
  expect(certainties).toEqual([...certainties].sort((a, b) => b - a));
  expect(classes[3].samples).toBe(sum(confusion[3]));
  expect(classes[3].recall).toBe(confusion[3][3] / sum(confusion[3]));
  expect(classes[3].precision).toBe(confusion[3][3] / sum(confusion.map((row: number[]) => row[3])));
});

test('for people, it has 80 columns, and draws the worst mistakes', safety, async () => {
  const picture = join(scratch(), 'mistakes.png');
  const { code, stdout, stderr } = await lockstep('eval', run, '--mistakes', picture).ended;
  expect(code, stderr).toBe(0);
  expect(stdout).toContain(summaryOf(run).weightsSha256);
  expect(stdout).toMatch(/^accuracy {2}\d+\.\d\d %, \d+ mistakes$/m);
  for (const line of stdout.split('\n').filter((text) => !text.startsWith('model'))) {
    expect(line.length, line).toBeLessThanOrEqual(80);
  }
  const [, drawn] = stderr.match(/^lockstep: the (\d+) worst of \d+ mistakes are drawn in .*mistakes.png\n$/) ?? [];
  const { width, height, rgba } = decodePng(readFileSync(picture));
  expect(width).toBeGreaterThan(28 * Math.min(10, Number(drawn)));
  expect(height).toBeGreaterThan(28);
  expect(rgba.some((value, i) => i % 4 === 0 && value < 64)).toBe(true);
});

test(
  'another data set is evaluated where the user names it, and the text says that it is another one',
  safety,
  async () => {
    const other = writeDigits(join(scratch(), 'other'), { train: 100, test: 50 });
    expect(await evaluated(run, '--data', other)).toMatchObject({ samples: 50, dataset: { trainedOn: false } });
    const { stdout } = await lockstep('eval', run, '--data', other).ended;
    expect(stdout).toMatch(/^test set .*50 samples, not the data set that it was trained on$/m);
  },
);

describe('what cannot be evaluated is refused', () => {
  test('nothing, and nowhere', safety, async () => {
    await expectRefused([], 2, /Not enough non-option arguments/);
    await expectRefused([join(scratch(), 'nowhere')], 1, /nowhere cannot be used: there is no such file or directory/);
    await expectRefused([data], 1, /is no run directory: it has no config.json. Name a run directory/);
    await expectRefused([run, '--threads', 0], 2, /--threads is 0, but must be/);
  });

  test('a model that lies alone, whose data set is unknown or elsewhere', safety, async () => {
    const alone = join(scratch(), 'alone.safetensors');
    cpSync(join(run, 'model.safetensors'), alone);
    await expectRefused(
      [alone],
      1,
      /alone.safetensors was trained on .* is not where train would look first: name the directory of a data set with --data/,
    );
    expect(await evaluated(alone, '--data', data)).toMatchObject({ loss: summaryOf(run).testLoss });
  });

  test('a damaged model', safety, async () => {
    const cut = join(scratch(), 'cut.safetensors');
    writeFileSync(cut, readFileSync(join(run, 'model.safetensors')).subarray(0, -4));
    await expectRefused([cut, '--data', data], 1, /cut.safetensors cannot be used: its tensors need/);
  });

  test('a data set of other images', safety, async () => {
    const small = join(scratch(), 'small');
    mkdirSync(small);
    for (const set of ['train', 't10k']) {
      const images = encodeIdx({ dimensions: [2, 5, 5], values: new Uint8Array(50) });
      writeFileSync(join(small, `${set}-images-idx3-ubyte`), images);
      const labels = encodeIdx({ dimensions: [2], values: Uint8Array.of(0, 1) });
      writeFileSync(join(small, `${set}-labels-idx1-ubyte`), labels);
    }
    await expectRefused([run, '--data', small], 2, /does not fit .*takes samples of shape \[28, 28\], but .* \[5, 5\]/);
  });

  test('a place where no picture can be written', safety, async () => {
    const { code, stderr } = await lockstep('eval', run, '--mistakes', join(scratch(), 'no', 'm.png')).ended;
    expect(stderr).toMatch(/^lockstep: .*m.png cannot be written: no such file or directory/);
    expect(code).toBe(1);
    // A rename over it would remove the pipe, or a device.
    const pipe = join(scratch(), 'pipe');
    spawnSync('mkfifo', [pipe]);
    await expectRefused([run, '--mistakes', pipe], 1, /pipe cannot be written: it is no ordinary file/);
  });
});
