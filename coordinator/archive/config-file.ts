/** Reading `config.json` back: people edit files, so every field is checked. */
import { LockstepError } from '../../shared/errors.js';
import { invalidModel } from '../../shared/model/description.js';
import type { ConfigDataset, ConfigFile } from './config.js';

type Check = (x: unknown) => boolean;

const isText: Check = (x) => typeof x === 'string';
const isSha256: Check = (x) => typeof x === 'string' && /^[0-9a-f]{64}$/.test(x);
const isNumber: Check = (x) => Number.isFinite(x);
const isCount: Check = (x) => Number.isSafeInteger(x) && (x as number) >= 0;
const orNull =
  (check: Check): Check =>
  (x) =>
    x === null || check(x);

const datasetFields: Readonly<Record<keyof ConfigDataset, Check>> = {
  name: isText,
  sha256: isSha256,
  train: isCount,
  test: isCount,
  shape: (x) => Array.isArray(x) && x.every(isCount),
  classes: isCount,
};

const fields: Readonly<Record<Exclude<keyof ConfigFile, 'dataset'>, Check>> = {
  format: isText,
  version: isText,
  model: (x) => invalidModel(x) === null,
  preset: orNull(isText),
  data: orNull(isText),
  batch: isCount,
  microBatch: isCount,
  rate: isNumber,
  momentum: isNumber,
  seed: isCount,
  kernelsSha256: isSha256,
  epochs: isCount,
  maxSteps: orNull(isCount),
  evaluateEvery: (x) => x === 'epoch' || isCount(x),
  targetAccuracy: orNull(isNumber),
  patience: orNull(isCount),
};

/** The configuration that the text of `source` holds. Throws `run-invalid`. */
export function parseConfig(text: string, source: string): ConfigFile {
  const config = parseJson(text);
  const field = invalidField(config, fields) ?? invalidField((config as ConfigFile).dataset, datasetFields, 'dataset.');
  if (field === null) return config as ConfigFile;
  const sentence = `${source} is not the configuration of a run: ${field} is missing or invalid.`;
  throw new LockstepError('run-invalid', `${sentence} Restore the file, or start a new run.`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** The first field that is not what it should be, or null. */
function invalidField(x: unknown, checks: Readonly<Record<string, Check>>, prefix = ''): string | null {
  const object = typeof x === 'object' && x !== null ? (x as Record<string, unknown>) : {};
  const field = Object.keys(checks).find((key) => !Object.hasOwn(object, key) || !checks[key](object[key]));
  return field === undefined ? null : prefix + field;
}
