/** Reads a finished run from its files: its model and its weights, which can classify images. */
import { join } from 'node:path';
import type { KernelBackend } from '../../shared/arithmetic/backend.js';
import { LockstepError } from '../../shared/errors.js';
import { Classifier } from '../../shared/model/classifier.js';
import type { Model } from '../../shared/model/model.js';
import { inputWidth } from '../../shared/model/parameters.js';
import type { ConfigFile } from '../archive/config.js';
import { parseConfig } from '../archive/config-file.js';
import { type Files, nodeFiles } from '../archive/files.js';
import { floatsOf } from '../archive/floats.js';
import { decodeModel } from '../archive/model-file.js';
import { runFileNames } from '../archive/run-directory.js';
import { describeFault } from '../data/fault.js';
import { parseSummary, type ShownSummary } from './summary-file.js';

/** The network's answer to one image. */
export interface Classification {
  /** The class with the largest output. */
  readonly answer: number;
  /** The outputs of the last layer. */
  readonly outputs: Float32Array;
}

export interface FinishedRun {
  readonly config: ConfigFile;
  readonly summary: ShownSummary;
  readonly model: Model;
  /** All parameters in the order of `model.safetensors`: layer by layer, the weight before the bias. */
  readonly weights: Float32Array;
  /** Each image has one byte per pixel, row by row. Throws `usage` if an image has another size. */
  classify(images: Iterable<Uint8Array>): Classification[];
}

/** Rejects with `run-invalid` if there is no run, if the run has not come to an end, or if its files are damaged. */
export async function openFinishedRun(
  directory: string,
  backend: KernelBackend,
  files: Pick<Files, 'read'> = nodeFiles,
): Promise<FinishedRun> {
  const read = async (name: string) => {
    const path = join(directory, name);
    try {
      return { path, bytes: await files.read(path) };
    } catch (error) {
      const remedy = 'name the directory of a run that has come to an end';
      throw new LockstepError('run-invalid', `${path} cannot be read: ${describeFault(error)}; ${remedy}`);
    }
  };
  const [config, summary] = [await read(runFileNames.config), await read(runFileNames.summary)];
  const parsed = parseConfig(Buffer.from(config.bytes).toString(), config.path);
  const weights = floatsOf(await weightsIn(await read(runFileNames.model), parsed));
  return {
    config: parsed,
    summary: parseSummary(Buffer.from(summary.bytes).toString(), summary.path),
    model: parsed.model,
    weights,
    classify: (images) => classify(backend, parsed.model, weights, images),
  };
}

async function weightsIn({ path, bytes }: { path: string; bytes: Uint8Array }, config: ConfigFile) {
  try {
    return await decodeModel(config, bytes);
  } catch (error) {
    throw new LockstepError('run-invalid', `${path} cannot be used: ${describeFault(error)}`);
  }
}

function classify(backend: KernelBackend, model: Model, weights: Float32Array, images: Iterable<Uint8Array>) {
  const classifier = new Classifier(backend, model);
  classifier.setWeights(0, weights);
  return Array.from(images, (image, index) => {
    if (image.length !== inputWidth(model)) throw wrongSize(index, image.length, model);
    const { answer, layers } = classifier.classify(image);
    return { answer, outputs: layers[layers.length - 1] };
  });
}

function wrongSize(index: number, bytes: number, model: Model): LockstepError {
  const wanted = `the model takes ${inputWidth(model)}, one for each pixel of ${model.input.join(' x ')}`;
  return new LockstepError('usage', `image ${index} has ${bytes} bytes, but ${wanted}`);
}
