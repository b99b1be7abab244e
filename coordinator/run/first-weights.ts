/** The first weights of a run: those of a file that the user names, or those that the seed makes. */
import { resolve } from 'node:path';
import { LockstepError } from '../../shared/errors.js';
import { limits } from '../../shared/limits.js';
import type { Model } from '../../shared/model/model.js';
import type { Snapshot } from '../archive/checkpoint-file.js';
import type { ConfigFile } from '../archive/config.js';
import { decodeFirstWeights, type FirstWeights } from '../archive/first-weights.js';
import { describeFault } from '../data/fault.js';
import { readOrdinaryFile } from '../data/ordinary-file.js';
import type { RunSettings } from './settings.js';
import type { RunSetup } from './setup.js';

/**
 * Reads the file of first weights if the user names one now, and adds it to the configuration. Rejects with
 * `weights-invalid`. `weights` is null if none was named.
 */
export async function withGivenInit(setup: RunSetup, { init: source }: RunSettings) {
  if (source === undefined || source.weightsSha256 !== null) return { setup, weights: null };
  const file = resolve(source.file);
  const { weights, weightsSha256 } = await readFirst(file, setup.run.model);
  return { setup: { ...setup, config: { ...setup.config, init: { file, weightsSha256 } } }, weights };
}

/**
 * The weights with which a run without a checkpoint begins, as a snapshot: those that were read just now, or those of the
 * file that its configuration names. Null if the seed makes them. Rejects with `weights-invalid`, also if the file has other
 * weights by now.
 */
export async function firstWeights(
  { init, model }: ConfigFile,
  given: Float32Array | null,
): Promise<Pick<Snapshot, 'weights' | 'vectors'> | null> {
  if (given !== null) return { weights: given, vectors: [] };
  if (init === undefined) return null;
  const { weights, weightsSha256 } = await readFirst(init.file, model);
  if (weightsSha256 === init.weightsSha256) return { weights, vectors: [] };
  const remedy = `the run began with those of SHA-256 ${init.weightsSha256}: put that file back, or start a new run`;
  throw new LockstepError('weights-invalid', `${init.file} has other weights than before; ${remedy}`);
}

async function readFirst(file: string, model: Model): Promise<FirstWeights> {
  try {
    return decodeFirstWeights(model, await readOrdinaryFile(file, limits.weightsFileBytesMax));
  } catch (error) {
    throw new LockstepError('weights-invalid', `${file} cannot be used for the first weights: ${describeFault(error)}`);
  }
}
