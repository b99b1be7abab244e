/** Reads `config.json`. People edit this file, so every field is checked. */
import type { Arithmetic } from '../../shared/arithmetic/identity.js';
import { isObject } from '../../shared/canonical-json.js';
import { checkAugment } from '../../shared/data/augment.js';
import { LockstepError } from '../../shared/errors.js';
import {
  anyText,
  fraction,
  list,
  number,
  object,
  oneOf,
  optional,
  orNull,
  positive,
  sha256,
  text,
  wholeNumber,
} from '../../shared/fields.js';
import { limits } from '../../shared/limits.js';
import { wireBitsChoices } from '../../shared/model/coding.js';
import { checkModel } from '../../shared/model/description.js';
import { checkOptimizer } from '../../shared/optimizer/optimizers.js';
import { checkRounds } from '../../shared/optimizer/rounds.js';
import { checkSchedule } from '../../shared/optimizer/schedule.js';
import { type ConfigDataset, type ConfigFile, type ConfigInit, runFormat } from './config.js';

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
    validation: optional(wholeNumber(1, limits.samplesMax)),
    test: count,
    shape: list(1, limits.idxDimensionsMax, count),
    classes: count,
    classNames: optional(list(1, limits.classesMax, text(1, limits.classNameLengthMax))),
  }),
  data: orNull(anyText),
  batch: count,
  microBatch: count,
  rounds: optional(checkRounds),
  optimizer: checkOptimizer,
  schedule: optional(checkSchedule),
  clip: optional(positive),
  smoothing: optional(fraction),
  wireBits: optional(oneOf(...wireBitsChoices)),
  seed: count,
  augment: optional(checkAugment),
  init: optional(object<ConfigInit>({ file: anyText, weightsSha256: sha256 })),
  arithmetic: object<Arithmetic>({ specification: anyText, knownAnswer: sha256 }),
  epochs: count,
  maxSteps: orNull(count),
  evaluateEvery: (path, x) => (x === 'epoch' || count(path, x) === null ? null : `${path} must be "epoch" or a count`),
  targetAccuracy: orNull(number),
  patience: orNull(count),
  keep: optional(oneOf('best', 'last')),
});

/** Parses the text of a configuration file. Error messages call the file `source`. Throws `run-invalid`. */
export function parseConfig(text: string, source: string): ConfigFile {
  const config = parseJson(text);
  if (isObject(config) && typeof config.format === 'string' && config.format !== runFormat) {
    throw otherFormat(config.format, config.version, source);
  }
  const fault = config === undefined ? 'it is not JSON' : checkConfig('config', config);
  if (fault === null) return config as ConfigFile;
  const sentence = `${source} is not the configuration of a run: ${fault}.`;
  throw new LockstepError('run-invalid', `${sentence} Restore the file, or start a new run.`);
}

function otherFormat(format: string, version: unknown, source: string): LockstepError {
  const sentence = `${source} has the format ${format}, and this version of Lockstep reads and continues ${runFormat}.`;
  const began = typeof version === 'string' ? ` (${version})` : '';
  return new LockstepError(
    'run-invalid',
    `${sentence} Use the version that began the run${began}, or start a new run.`,
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
