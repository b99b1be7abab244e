/** Tests `lockstep predict` from outside, on pictures that are made of a test set. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encode } from 'jpeg-js';
import { beforeAll, expect, test } from 'vitest';
import { encodePng } from '../../coordinator/picture/write-png.js';
import { parseIdx } from '../../shared/data/idx.js';
import { lockstep, scratch, smallDataset } from './fixture.js';

const safety = { timeout: 60_000 };

let data: string;
let run: string;
let labels: Uint8Array;
let images: Uint8Array;
beforeAll(async () => {
  data = smallDataset();
  run = join(scratch(), 'run');
  const { code, stderr } = await lockstep('train', '--data', data, '--out', run, '--epochs', 3).ended;
  expect(code, stderr).toBe(0);
  const values = (name: string) => parseIdx({ name, bytes: readFileSync(join(data, name)) }).values;
  images = values('t10k-images-idx3-ubyte');
  labels = values('t10k-labels-idx1-ubyte');
}, safety.timeout);

async function predicted(...words: (string | number)[]) {
  const { code, stdout, stderr } = await lockstep('predict', run, ...words, '--json').ended;
  expect([code, stderr]).toEqual([0, '']);
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
}

/** Writes an image of the test set as a large picture, dark on light. */
function put(n: number, kind: 'png' | 'jpg'): string {
  const side = 28 * 12;
  const pixel = (i: number) => images[784 * n + 28 * Math.floor(i / side / 12) + Math.floor((i % side) / 12)];
  const grey = Uint8Array.from({ length: side * side }, (_, i) => 255 - pixel(i));
  const path = join(scratch(), `image-${n}.${kind}`);
  const rgba = () => Buffer.from(Array.from(grey, (value) => [value, value, value, 255]).flat());
  writeFileSync(
    path,
    kind === 'png' ? encodePng(side, side, grey) : encode({ width: side, height: side, data: rgba() }, 90).data,
  );
  return path;
}

test('a whole test set is predicted as its evaluation did', safety, async () => {
  const answers = await predicted(join(data, 't10k-images-idx3-ubyte'));
  const right = answers.filter((answer, i) => answer.class === labels[i] && answer.index === i).length;
  expect(answers).toHaveLength(300);
  expect(right / 300).toBe(JSON.parse(readFileSync(join(run, 'summary.json'), 'utf8')).testAccuracy);
});

test('large pictures, dark on light, are taken for what their images are taken for', safety, async () => {
  const paths = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map((n) => put(n, n % 2 === 0 ? 'png' : 'jpg'));
  const answers = await predicted(...paths);
  expect(answers.map(({ file }) => file)).toEqual(paths);
  const wholes = await predicted(join(data, 't10k-images-idx3-ubyte'));
  const same = answers.filter((answer, i) => answer.class === wholes[i].class).length;
  expect(same).toBeGreaterThanOrEqual(8);
});

test('for people, it says the class, how sure it is, what it saw, and what each layer did', safety, async () => {
  const { code, stdout, stderr } = await lockstep('predict', run, put(0, 'png'), '--show', '--layers').ended;
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(/image-0.png: \d {2}\(\d+\.\d\d %\)(, not sure: perhaps \d)?\n/);
  expect(stdout).toMatch(/@@@@/);
  expect(stdout).toMatch(/layer 0: dense, 128 outputs, relu: \d+ active, largest /);
  expect(stdout.match(/^ {2}\d +\d+\.\d\d %( {2}#*)?$/gm)).toHaveLength(10);
  for (const line of stdout.split('\n').slice(1)) expect(line.length, line).toBeLessThanOrEqual(80);
});

test('the certainties are shares of one, and JSON has all activations', safety, async () => {
  const [{ certainty, certainties, class: answer, layers, image }] = await predicted(
    put(0, 'png'),
    '--layers',
    '--show',
  );
  expect(certainties.reduce((sum: number, share: number) => sum + share, 0)).toBeCloseTo(1, 5);
  expect(certainty).toBe(Math.max(...certainties));
  expect(certainties[answer]).toBe(certainty);
  expect(layers.map(({ length }: number[]) => length)).toEqual([128, 10]);
  expect(image).toHaveLength(784);
});

test('a picture that cannot be read is named, and the others are predicted', safety, async () => {
  const text = join(scratch(), 'text.png');
  writeFileSync(text, 'no picture');
  mkdirSync(join(scratch(), 'folder'));
  const words = [text, put(1, 'png'), join(scratch(), 'folder'), join(scratch(), 'missing.jpg')];
  const { code, stdout, stderr } = await lockstep('predict', run, ...words).ended;
  expect(code).toBe(1);
  expect(stdout).toMatch(/image-1.png: \d/);
  expect(stderr.trimEnd().split('\n')).toEqual([
    expect.stringMatching(/^lockstep: .*text.png cannot be read: .*: convert it to PNG or JPEG$/),
    expect.stringMatching(/^lockstep: .*folder cannot be read: it is a directory/),
    expect.stringMatching(/^lockstep: .*missing.jpg cannot be read: no such file or directory/),
  ]);
});

test.each([
  [['RUN'], 2, /Not enough non-option arguments/],
  [['RUN', 'a.png', '--fit', 'tightly'], 2, /Invalid values:[\s\S]*fit/],
  [['nowhere', 'a.png'], 1, /nowhere cannot be used/],
])('predict %j is refused', safety, async (words, exitCode, pattern) => {
  const { code, stderr } = await lockstep('predict', ...words.map((word) => (word === 'RUN' ? run : word))).ended;
  expect(stderr).toMatch(pattern);
  expect(stderr).toMatch(/^lockstep: /);
  expect(code).toBe(exitCode);
});
