/** Tests `lockstep textbook` from outside, on a small data set: its runs are those of `train`, and its page shows them. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { decodePng } from '../../coordinator/picture/read-png.js';
import { entropyModelFile, lessonCommand, lessonRuns } from '../../coordinator/textbook/lesson-runs.js';
import { encodeIdx } from '../../shared/data/idx.js';
import { writeDigits } from '../digits-directory.js';
import { lockstep, scratch, summaryOf } from './fixture.js';

const safety = { timeout: 120_000 };
const runs = Object.values(lessonRuns);

let data: string;
let out: string;
beforeAll(async () => {
  data = writeDigits(join(scratch(), 'digits'), { train: 640, test: 100 });
  out = join(scratch(), 'textbook');
  const { code, stdout, stderr } = await lockstep('textbook', '--data', data, '--out', out).ended;
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout.match(/"run":"/g)).toHaveLength(runs.length);
}, safety.timeout);

const page = () => readFileSync(join(out, 'index.html'), 'utf8');
const hashes = () => runs.map(({ name }) => summaryOf(join(out, name)).weightsSha256);

test.each(runs.map((run) => [run.name, run] as const))(
  '%s is the run of the command on the page',
  safety,
  async (_, run) => {
    const words = lessonCommand(run, out).split(' ').slice(1);
    const again = join(scratch(), `again-${run.name}`);
    const { code, stderr } = await lockstep(...words, '--data', data, '--out', again, '--workers', 1).ended;
    expect(code, stderr).toBe(0);
    expect(summaryOf(join(out, run.name)).weightsSha256).toBe(summaryOf(again).weightsSha256);
  },
);

test('the page has every run with its command, its hash and its accuracy, and needs nothing else', () => {
  for (const run of runs) {
    const { weightsSha256, testAccuracy, steps } = summaryOf(join(out, run.name));
    expect(page()).toContain(`<code>${lessonCommand(run, out)}</code>`);
    const row = page().match(new RegExp(`<tr><td>${run.name}</td>.*</tr>`))?.[0];
    expect(row).toContain(weightsSha256);
    expect(row).toContain(`${(100 * testAccuracy!).toFixed(2)} %`);
    expect(row).toContain(`>${steps}<`);
  }
  expect(page()).not.toMatch(/<script|(?:src|href)="(?!data:)|url\(/);
});

test('the pictures are whole', () => {
  const files = readdirSync(join(out, 'pictures')).sort();
  const charts = files.filter((name) => name.endsWith('.svg'));
  const sheets = files.filter((name) => name.endsWith('.png'));
  expect([charts.length, sheets]).toEqual([8, ['weights-after.png', 'weights-before.png']]);
  for (const name of sheets) {
    const { width, height } = decodePng(readFileSync(join(out, 'pictures', name)));
    expect([width, height]).toEqual([4 * (4 * 28 + 6) + 6, 4 * (4 * 28 + 6) + 6]);
  }
  for (const name of charts) expect(page()).toContain(`<figure id="${name.slice(0, -4)}">`);
});

test('the same command makes no run again, and a lost page anew', safety, async () => {
  const [before, text] = [hashes(), page()];
  const model = join(out, runs[0].name, 'model.safetensors');
  const { mtimeMs } = statSync(model);
  rmSync(join(out, 'index.html'));
  const { code } = await lockstep('textbook', '--data', data, '--out', out).ended;
  expect([code, hashes(), page() === text, statSync(model).mtimeMs]).toEqual([0, before, true, mtimeMs]);
});

test('after Ctrl-C, the same command ends on the same weights', safety, async () => {
  const other = join(scratch(), 'interrupted');
  const running = lockstep('textbook', '--data', data, '--out', other, '--log-format', 'json');
  await running.prints(/"run":"quadratic-rate-3"/);
  running.process.kill('SIGINT');
  const { code, stderr } = await running.ended;
  expect([code, stderr]).toEqual([
    130,
    expect.stringMatching(/^lockstep: interrupted in the run .*same command goes on/),
  ]);
  expect(existsSync(join(other, 'index.html'))).toBe(false);
  expect((await lockstep('textbook', '--data', data, '--out', other).ended).code).toBe(0);
  expect(runs.map(({ name }) => summaryOf(join(other, name)).weightsSha256)).toEqual(hashes());
});

test('a directory with something else, or with another data set, is left alone', safety, async () => {
  const foreign = join(scratch(), 'site');
  mkdirSync(foreign);
  writeFileSync(join(foreign, 'index.html'), 'a page');
  const taken = await lockstep('textbook', '--data', data, '--out', foreign).ended;
  expect([taken.code, taken.stderr]).toEqual([
    1,
    expect.stringMatching(/^lockstep: .* already has index\.html, which is not/),
  ]);
  expect(readdirSync(foreign)).toEqual(['index.html']);
  const others = writeDigits(join(scratch(), 'others'), { train: 320, test: 100 });
  const differs = await lockstep('textbook', '--data', others, '--out', out).ended;
  expect([differs.code, differs.stderr]).toEqual([
    2,
    expect.stringMatching(/cannot go on with other weights: dataset/),
  ]);
});

test('a data set of other samples and classes gets a page without pictures of weights', safety, async () => {
  const rows = join(scratch(), 'rows');
  mkdirSync(rows);
  for (const [set, count] of [['train', 64] as const, ['t10k', 20] as const]) {
    const labels = Uint8Array.from({ length: count }, (_, n) => n % 3);
    const values = Uint8Array.from({ length: 5 * count }, (_, n) => (n % 5 === labels[Math.floor(n / 5)] ? 255 : 0));
    writeFileSync(join(rows, `${set}-images-idx2-ubyte`), encodeIdx({ dimensions: [count, 5], values }));
    writeFileSync(join(rows, `${set}-labels-idx1-ubyte`), encodeIdx({ dimensions: [count], values: labels }));
  }
  const small = join(scratch(), 'small');
  const { code, stderr } = await lockstep('textbook', '--data', rows, '--out', small).ended;
  expect([code, stderr]).toEqual([0, '']);
  const text = readFileSync(join(small, 'index.html'), 'utf8');
  expect(text).toMatch(/5-16-16-3 sigmoid units/);
  expect(text).toMatch(/no pictures of the weights: the samples of this data set are no grey images/);
  expect(JSON.parse(readFileSync(join(small, entropyModelFile), 'utf8')).input).toEqual([5]);
});
