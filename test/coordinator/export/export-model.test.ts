/** Tests which files an export writes, what the model card says, and that nothing is overwritten. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, test } from 'vitest';
import type { MetricsLine } from '../../../coordinator/archive/config.js';
import { parseConfig } from '../../../coordinator/archive/config-file.js';
import { littleEndianBytes, weightsSha256 } from '../../../coordinator/archive/floats.js';
import { encodeModel } from '../../../coordinator/archive/model-file.js';
import { decode } from '../../../coordinator/archive/safetensors.js';
import { type FormatName, formatNames } from '../../../coordinator/export/export-format.js';
import { exportModel } from '../../../coordinator/export/export-model.js';
import { writeLayers } from '../../../coordinator/export/trained-layer.js';
import { config, line, model, summary, vector } from '../archive/samples.js';
import { exportedOf } from './fixture.js';

const root = mkdtempSync(join(tmpdir(), 'lockstep-export-'));
afterAll(() => rmSync(root, { recursive: true }));

const weights = vector(10);
const hash = weightsSha256(weights);
let tries = 0;
/** A finished run, and a place that is free. */
let run: string;
let out: string;

beforeEach(async () => {
  run = join(root, `run-${tries}`);
  out = join(root, `out-${tries++}`);
  mkdirSync(join(run, 'checkpoints'), { recursive: true });
  writeFileSync(join(run, 'config.json'), JSON.stringify({ ...config, data: '/home/somebody/digits' }));
  writeFileSync(join(run, 'model.safetensors'), Buffer.concat(await encodeModel(config, littleEndianBytes(weights))));
  writeFileSync(join(run, 'summary.json'), JSON.stringify({ ...summary, weightsSha256: hash }));
  writeFileSync(join(run, 'metrics.jsonl'), metrics(10, { testAccuracy: 0.9, testLoss: 0.3, weightsSha256: hash }));
});

/** The text of a metrics.jsonl with one line. */
function metrics(step: number, evaluated: Partial<MetricsLine>): string {
  return `${JSON.stringify({ ...line(step), ...evaluated })}\n`;
}

function card(): string {
  return readFileSync(join(out, 'README.md'), 'utf8');
}

const names: Readonly<Record<FormatName, readonly string[]>> = {
  onnx: ['model.onnx'],
  safetensors: ['model.safetensors'],
  tfjs: ['model.json', 'weights.bin'],
  pytorch: ['model.py', 'model.safetensors'],
  html: ['model.html'],
};

test.each(formatNames)('%s: writes its files, the configuration and a card', async (format) => {
  const exported = await exportModel({ path: run, format, out });
  const wanted = [...names[format], 'README.md', 'config.json'].sort();
  expect(readdirSync(out).sort()).toEqual(wanted);
  expect(exported).toMatchObject({ directory: out, weightsSha256: hash });
  for (const { name, bytes } of exported.files) expect(readFileSync(join(out, name))).toHaveLength(bytes);
  expect(card()).toContain(`| Weights hash | ${hash} |`);
  expect(card()).not.toContain('undefined');
});

test('the card says the data set, the accuracy, and how to train the same weights again', async () => {
  await exportModel({ path: run, format: 'onnx', out });
  expect(card()).toContain('| Data set | digits: 60 training and 10 test images of 2, 3 classes |');
  expect(card()).toContain('| Test accuracy | 90.00 % |');
  expect(card()).toContain('lockstep train --resume again --max-steps 10');
  expect(card()).toContain('"rate": 0.1');
});

test('the configuration can be read again, and does not say where files were on this machine', async () => {
  await exportModel({ path: run, format: 'tfjs', out });
  const text = readFileSync(join(out, 'config.json'), 'utf8');
  expect(parseConfig(text, 'config.json')).toEqual({ ...config, data: null });
  expect(card()).not.toContain('somebody');
});

test('the accuracy is that of these very weights, and not of an earlier evaluation', async () => {
  writeFileSync(
    join(run, 'metrics.jsonl'),
    metrics(9, { testAccuracy: 0.9, testLoss: 0.3, weightsSha256: 'e'.repeat(64) }),
  );
  await exportModel({ path: run, format: 'safetensors', out });
  expect(card()).toContain('| Test accuracy | not recorded |');
});

test('with a validation set, the accuracy is that of the end; the first weights are named by their hash', async () => {
  const held = { ...config, dataset: { ...config.dataset, validation: 12 } };
  const init = { file: '/home/somebody/first.safetensors', weightsSha256: 'f'.repeat(64) };
  writeFileSync(join(run, 'config.json'), JSON.stringify({ ...held, init }));
  const scores = { validationAccuracy: 0.8, validationLoss: 0.4, testAccuracy: 0.7, testLoss: 0.5 };
  writeFileSync(join(run, 'summary.json'), JSON.stringify({ ...summary, ...scores, weightsSha256: hash }));
  writeFileSync(join(run, 'metrics.jsonl'), metrics(10, { validationAccuracy: 0.8, validationLoss: 0.4 }));
  await exportModel({ path: run, format: 'safetensors', out });
  expect(card()).toContain('60 training, 12 validation and 10 test images');
  expect(card()).toContain('| Test accuracy | 70.00 % |');
  expect(card()).toContain(`whose weights hash is ${init.weightsSha256} with \`--init\``);
  expect(card()).not.toContain('somebody');
});

test('the step of a model file comes from the run around it', async () => {
  await exportModel({ path: join(run, 'model.safetensors'), format: 'safetensors', out });
  expect(card()).toContain('lockstep train --resume again --max-steps 10');
});

test('a file that lies alone is exported with what is known of it', async () => {
  const file = join(root, 'alone.safetensors');
  writeFileSync(file, readFileSync(join(run, 'model.safetensors')));
  await exportModel({ path: file, format: 'tfjs', out });
  expect(readdirSync(out).sort()).toEqual(['README.md', 'model.json', 'weights.bin']);
  expect(card()).toMatch(/^# alone, as TensorFlow.js\n/);
  expect(card()).toContain('does not say how it was trained');
  expect(readFileSync(join(out, 'weights.bin'))).toEqual(littleEndianBytes(weights));
});

test('what safetensors export has written can be exported again', async () => {
  await exportModel({ path: run, format: 'safetensors', out });
  const again = `${out}-again`;
  const { weightsSha256: found } = await exportModel({
    path: join(out, 'model.safetensors'),
    format: 'safetensors',
    out: again,
  });
  expect(found).toBe(hash);
  const { metadata } = decode(readFileSync(join(again, 'model.safetensors')));
  expect(metadata).toMatchObject({ weightsSha256: hash, datasetSha256: config.dataset.sha256, step: '10' });
});

test('the page has the model in it, and no text of the model can end its script', async () => {
  const odd = join(root, '<script>&amp;$1');
  mkdirSync(odd);
  writeFileSync(join(odd, 'model.safetensors'), readFileSync(join(run, 'model.safetensors')));
  await exportModel({ path: join(odd, 'model.safetensors'), format: 'html', out });
  const page = readFileSync(join(out, 'model.html'), 'utf8');
  const [, json] = page.match(/<script id="exported-model" type="application\/json">(.*?)<\/script>/s)!;
  const content = JSON.parse(json);
  expect(content).toMatchObject({ name: '<script>&amp;$1', model });
  expect(Buffer.from(content.weights, 'base64')).toEqual(littleEndianBytes(weights));
  expect(page).not.toMatch(/ (src|href)="(?!data:)/);
});

test('a file that is there stays as it is', async () => {
  mkdirSync(out);
  writeFileSync(join(out, 'README.md'), 'mine');
  await expect(exportModel({ path: run, format: 'onnx', out })).rejects.toMatchObject({
    code: 'output-taken',
    message: `${out} already has a file README.md. Remove it, or choose another directory with --out.`,
  });
  expect(readdirSync(out)).toEqual(['README.md']);
  expect(card()).toBe('mine');
});

test('a place that cannot be written is named', async () => {
  writeFileSync(out, 'a file');
  await expect(exportModel({ path: run, format: 'onnx', out })).rejects.toMatchObject({
    code: 'output-unwritable',
    message: expect.stringMatching(/cannot be written: is a file, not a directory .*--out/),
  });
  const below = join(out, 'deeper');
  await expect(exportModel({ path: run, format: 'onnx', out: below })).rejects.toMatchObject({
    code: 'output-unwritable',
  });
});

test.skipIf(process.getuid?.() === 0)('a directory without permission is named', async () => {
  mkdirSync(out);
  chmodSync(out, 0o500);
  await expect(exportModel({ path: run, format: 'onnx', out })).rejects.toMatchObject({
    message: expect.stringContaining('permission denied'),
  });
});

test('an unknown format is refused, with those that there are', async () => {
  await expect(exportModel({ path: run, format: 'keras' as FormatName, out })).rejects.toMatchObject({
    code: 'usage',
    message: 'there is no format "keras": use one of onnx, safetensors, tfjs, pytorch, html',
  });
});

test('a path without a model is refused, and nothing is written', async () => {
  await expect(exportModel({ path: join(root, 'nowhere'), format: 'onnx', out })).rejects.toMatchObject({
    message: expect.stringContaining('nowhere'),
  });
  expect(existsSync(out)).toBe(false);
});

test('a kind of layer that a format lacks is named', () => {
  const { layers } = exportedOf(model, weights);
  expect(() => writeLayers('ONNX', {}, layers, null)).toThrow(
    /layers\[0\] of the model is of the kind "dense", which cannot be written as ONNX/,
  );
});
