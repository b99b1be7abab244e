/** Reads `config.json`. People edit this file, so every field is checked. */
import { LockstepError } from '../../shared/errors.js';
import { anyText, list, number, object, orNull, sha256, wholeNumber } from '../../shared/fields.js';
import { limits } from '../../shared/limits.js';
import { checkModel } from '../../shared/model/description.js';
import type { ConfigDataset, ConfigFile } from './config.js';

const count = wholeNumber(0, Number.MAX_SAFE_INTEGER);

const checkConfig = object<ConfigFile>({
  format: anyText,
  version: anyText,
  model: checkModel,
  preset: orNull(anyText),
  dataset: object<ConfigDataset>({
    name: anyText,
    sha256,
    train: count,
    test: count,
    shape: list(1, limits.idxDimensionsMax, count),
    classes: count,
  }),
  data: orNull(anyText),
  batch: count,
  microBatch: count,
  rate: number,
  momentum: number,
  seed: count,
  kernelsSha256: sha256,
  epochs: count,
  maxSteps: orNull(count),
  evaluateEvery: (path, x) => (x === 'epoch' || count(path, x) === null ? null : `${path} must be "epoch" or a count`),
  targetAccuracy: orNull(number),
  patience: orNull(count),
});

/** Parses the text of a configuration file. Error messages call the file `source`. Throws `run-invalid`. */
export function parseConfig(text: string, source: string): ConfigFile {
  const config = parseJson(text);
  const fault = config === undefined ? 'it is not JSON' : checkConfig('config', config);
  if (fault === null) return config as ConfigFile;
  const sentence = `${source} is not the configuration of a run: ${fault}.`;
  throw new LockstepError('run-invalid', `${sentence} Restore the file, or start a new run.`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
