/**
 * The settings of a run. A setting that the user gives always wins. The others come from `config.json` in a run that
 * goes on, and from the preset and the defaults in a new run. `differences` then decides whether a run that goes on may
 * use them.
 */
import type { AugmentDescription } from '../../shared/data/augment.js';
import type { WireBits } from '../../shared/model/coding.js';
import type { Model } from '../../shared/model/model.js';
import { findPreset, presetDefault } from '../../shared/model/presets.js';
import { type OptimizerDescription, withSettings } from '../../shared/optimizer/optimizers.js';
import type { RoundsDescription } from '../../shared/optimizer/rounds.js';
import type { ScheduleDescription } from '../../shared/optimizer/schedule.js';
import type { ConfigFile } from '../archive/config.js';
import { type DatasetChoice, findPublished, isPublishedName } from '../data/published.js';
import { completeStepSize, type GivenRounds, hasRounds } from './round-settings.js';
import type { Keep } from './trainer.js';
import { completeOptimizer, completeSchedule, type GivenUpdate } from './update-settings.js';

/** Where the model comes from. */
export type ModelSource =
  | { readonly from: 'preset'; readonly name: string }
  | { readonly from: 'file'; readonly path: string }
  | { readonly from: 'request'; readonly model: Model }
  /** The model of the run that goes on; `preset` is the name that it had. */
  | { readonly from: 'run'; readonly preset: string | null; readonly model: Model };

export interface RunSettings {
  readonly model: ModelSource;
  readonly dataset: DatasetChoice;
  /** Directory of IDX files. */
  readonly data: string | undefined;
  readonly epochs: number;
  /** Samples of a step, or of a round. */
  readonly batch: number;
  readonly microBatch: number;
  /** Undefined: ordinary steps. */
  readonly rounds: RoundsDescription | undefined;
  readonly optimizer: OptimizerDescription;
  readonly schedule: ScheduleDescription;
  /** The largest norm of a step's mean gradient. Undefined: no limit. */
  readonly clip: number | undefined;
  /** Label smoothing; 0 for none. */
  readonly smoothing: number;
  /** Bits of a number on the wire. With fewer than 32, gradients and updates are quantised. */
  readonly wireBits: WireBits;
  readonly seed: number;
  /** How the training images are distorted. Null: not at all. */
  readonly augment: AugmentDescription | null;
  readonly evalEvery: 'epoch' | number;
  /** Undefined: no limit. */
  readonly maxSteps: number | undefined;
  /** Training samples that are held out, to judge the run by them instead of the test set. 0: none. */
  readonly validation: number;
  readonly targetAccuracy: number | undefined;
  readonly patience: number | undefined;
  readonly keep: Keep;
  /** Undefined: the seed makes the first weights. */
  readonly init: InitSource | undefined;
}

/** A file with first weights. The hash is known in a run that goes on. */
export interface InitSource {
  readonly file: string;
  readonly weightsSha256: string | null;
}

type Described = 'model' | 'batch' | 'rounds' | 'optimizer' | 'schedule' | 'smoothing' | 'init';
type Given = { readonly [K in Exclude<keyof RunSettings, Described>]?: RunSettings[K] | undefined };

/** The settings that the user gives. */
export interface GivenSettings extends Given, GivenUpdate, GivenRounds {
  readonly labelSmoothing?: number | undefined;
  readonly preset?: string | undefined;
  /** A file, or the model itself. */
  readonly model?: string | Model | undefined;
  /** A file in the safetensors format with the first weights. */
  readonly init?: string | undefined;
}

const constant: ScheduleDescription = { name: 'constant' };

/** The settings of a new run, where its preset has none of its own. */
export const defaults: RunSettings = {
  model: { from: 'preset', name: presetDefault },
  dataset: 'auto',
  data: undefined,
  epochs: 10,
  batch: 128,
  microBatch: 16,
  rounds: undefined,
  optimizer: withSettings(findPreset(presetDefault).optimizer, {}),
  schedule: constant,
  clip: undefined,
  smoothing: 0,
  wireBits: 32,
  seed: 1,
  augment: null,
  evalEvery: 'epoch',
  maxSteps: undefined,
  validation: 0,
  targetAccuracy: undefined,
  patience: undefined,
  keep: 'last',
  init: undefined,
};

/** `config` is null for a new run. Throws `usage` for a setting that the optimizer does not allow. */
export function completeSettings(given: GivenSettings, config: ConfigFile | null): RunSettings {
  const base =
    config === null ? settingsFor(modelGiven(given) ?? defaults.model, hasRounds(given)) : settingsOf(config);
  // If the user gives a data set or a directory, neither of the two comes from the run.
  const { dataset, data } = (given.dataset ?? given.data) === undefined ? base : { dataset: 'auto' as const, ...given };
  const model = modelGiven(given) ?? base.model;
  return {
    model,
    dataset: dataset ?? defaults.dataset,
    data,
    epochs: given.epochs ?? base.epochs,
    ...completeStepSize(given, base, given.microBatch ?? base.microBatch),
    optimizer: completeOptimizer(given, base.optimizer),
    schedule: completeSchedule(given, base.schedule),
    clip: given.clip ?? base.clip,
    smoothing: Math.fround(given.labelSmoothing ?? base.smoothing),
    wireBits: given.wireBits ?? base.wireBits,
    seed: given.seed ?? base.seed,
    augment: given.augment === undefined ? base.augment : given.augment,
    evalEvery: given.evalEvery ?? base.evalEvery,
    maxSteps: given.maxSteps ?? base.maxSteps,
    targetAccuracy: given.targetAccuracy ?? base.targetAccuracy,
    validation: given.validation ?? base.validation,
    patience: given.patience ?? base.patience,
    keep: given.keep ?? base.keep,
    init: given.init === undefined ? base.init : { file: given.init, weightsSha256: null },
  };
}

/** The settings of a new run with this model: those of its preset, and the defaults for the others. */
function settingsFor(model: ModelSource, inRounds: boolean): RunSettings {
  const preset = findPreset(model.from === 'preset' ? model.name : presetDefault);
  const { optimizer, schedule = constant, training } = preset;
  return { ...defaults, ...training, optimizer, schedule, ...(inRounds && preset.rounds) };
}

function modelGiven({ model, preset }: GivenSettings): ModelSource | null {
  if (typeof model === 'string') return { from: 'file', path: model };
  if (model !== undefined) return { from: 'request', model };
  return preset === undefined ? null : { from: 'preset', name: preset };
}

function settingsOf(config: ConfigFile): RunSettings {
  const { preset, model, epochs, batch, microBatch, optimizer, seed, augment = null } = config;
  return {
    model: { from: 'run', preset, model },
    dataset: datasetOf(config),
    data: config.data ?? undefined,
    epochs,
    batch,
    microBatch,
    rounds: config.rounds,
    optimizer,
    schedule: config.schedule ?? constant,
    clip: config.clip,
    smoothing: config.smoothing ?? 0,
    wireBits: config.wireBits ?? 32,
    seed,
    augment,
    evalEvery: config.evaluateEvery,
    maxSteps: config.maxSteps ?? undefined,
    targetAccuracy: config.targetAccuracy ?? undefined,
    validation: config.dataset.validation ?? 0,
    patience: config.patience ?? undefined,
    keep: config.keep ?? 'last',
    init: config.init,
  };
}

/**
 * A data set from a directory is asked for by its name if its hash alone does not say which one it is: the name then chooses
 * among the files. Any other data set that was not generated is a published one, and never something else in its place.
 */
function datasetOf({ data, dataset: { name } }: ConfigFile): RunSettings['dataset'] {
  const isPublished = isPublishedName(name);
  if (data !== null) return isPublished && findPublished(name)?.sha256 === undefined ? name : 'auto';
  if (name === 'digits') return 'digits';
  return isPublished ? name : 'mnist';
}
