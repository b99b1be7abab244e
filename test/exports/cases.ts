/** Writes models and their exports into a directory, with what they must compute, for check.py and check.mjs. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { littleEndianBytes } from '../../coordinator/archive/floats.js';
import { encodeModel } from '../../coordinator/archive/model-file.js';
import { exportModel } from '../../coordinator/export/export-model.js';
import { openModel } from '../../coordinator/model/open-model.js';
import type { Model } from '../../shared/model/model.js';
import { config } from '../coordinator/archive/samples.js';
import { randomSamples } from '../shared/model/fixture.js';
import { outputsOf } from './expected.js';
import { someWeights } from './models.js';

/** Writes a model with some weights, and random samples. */
export async function writeCase(directory: string, name: string, model: Model): Promise<void> {
  const file = join(directory, `${name}.safetensors`);
  const parts = await encodeModel({ ...config, model }, littleEndianBytes(someWeights(model)));
  writeFileSync(file, Buffer.concat(parts));
  await writeTrained(join(directory, 'cases', name), file, randomSamples(model, 20, 3).images);
}

/** Exports the model of a run or a file into the folder of a case. `images` has a byte per pixel. */
export async function writeTrained(folder: string, path: string, images: Uint8Array): Promise<void> {
  const { model, weights } = await openModel(path);
  mkdirSync(folder, { recursive: true });
  for (const format of ['onnx', 'pytorch', 'tfjs'] as const) {
    await exportModel({ path, format, out: join(folder, format) });
  }
  const put = (name: string, values: Float32Array) => writeFileSync(join(folder, name), littleEndianBytes(values));
  const { scores, probabilities } = outputsOf(model, weights, images);
  put(
    'pixels.bin',
    Float32Array.from(images, (byte) => byte / 255),
  );
  put('scores.bin', scores);
  put('probabilities.bin', probabilities);
  writeFileSync(join(folder, 'case.json'), JSON.stringify({ input: model.input, loss: model.loss }));
}
