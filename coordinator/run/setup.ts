/** Turns settings and a data set into a checked setup, and a setup into a machine that holds samples and weights. */

import { arithmetic } from '../../shared/arithmetic/identity.js';
import { Machine } from '../../shared/compute/machine.js';
import type { Platform } from '../../shared/compute/platform.js';
import { storeSamples } from '../../shared/compute/samples.js';
import type { RunDescription } from '../../shared/compute/workspace.js';
import { checkAugment, undistortable } from '../../shared/data/augment.js';
import { holdOut } from '../../shared/data/dataset.js';
import { invalidOrder, SampleOrder } from '../../shared/data/order.js';
import { LockstepError } from '../../shared/errors.js';
import { fraction, oneOf, positive } from '../../shared/fields.js';
import { limits } from '../../shared/limits.js';
import { wireBitsChoices } from '../../shared/model/coding.js';
import { misfit, parseModel } from '../../shared/model/description.js';
import { initialWeights } from '../../shared/model/initialise.js';
import type { Model } from '../../shared/model/model.js';
import { presetModel } from '../../shared/model/presets.js';
import { smoothedLoss } from '../../shared/model/smoothing.js';
import type { UpdateRules } from '../../shared/optimizer/update.js';
import type { Snapshot } from '../archive/checkpoint-file.js';
import { type ConfigDataset, type ConfigFile, type ConfigInit, runFormat } from '../archive/config.js';
import { describeFault } from '../data/fault.js';
import type { LoadedDataset } from '../data/load.js';
import { readOrdinaryFileSync } from '../data/ordinary-file.js';
import { version } from '../version.js';
import type { ModelSource, RunSettings } from './settings.js';
import type { TrainingPlan } from './trainer.js';

/** A checked run: all parts fit together. */
export interface RunSetup {
  /** For people: the preset's name, or the model file's. */
  readonly name: string;
  /** The data set without its samples, which take tens of megabytes and are in the machine's memory. */
  readonly dataset: ConfigDataset;
  /** Everything that determines the result, and how far the run goes. */
  readonly config: ConfigFile;
  readonly run: RunDescription & UpdateRules;
  readonly plan: TrainingPlan;
  /** Slots of a full step. At most this many members have work in a step. */
  readonly slots: number;
}

/** Throws `usage`, `model-invalid` or `data-invalid` when parts do not fit together. */
export function setUpRun(settings: RunSettings, dataset: LoadedDataset, checkpointEveryMs: number): RunSetup {
  const { name, preset, model } = modelOf(settings, dataset);
  const { batch, microBatch, rounds, seed, epochs, optimizer, schedule, clip, smoothing, wireBits, validation } =
    settings;
  const train = dataset.train.count - validation;
  const order = { samples: train, batch, microBatch, rounds, seed };
  const disorder = invalidSplit(dataset, validation) ?? invalidOrder(order) ?? invalidAugment(settings, dataset);
  const fault = disorder ?? invalidShaping(settings, model);
  if (fault !== null) throw new LockstepError('usage', fault);
  const { stepsPerEpoch, slots } = new SampleOrder(order);
  const run: RunSetup['run'] = {
    model,
    train,
    validation,
    test: dataset.test.count,
    batch,
    microBatch,
    seed,
    ...augmentOf(settings),
    smoothing,
    wireBits,
    ...updateRules(settings, stepsPerEpoch),
  };
  const plan: TrainingPlan = {
    stepsPerEpoch,
    epochs,
    maxSteps: settings.maxSteps,
    evaluateEvery: settings.evalEvery,
    judge: validation > 0 ? 'validation' : 'test',
    keep: settings.keep,
    targetAccuracy: settings.targetAccuracy,
    patience: settings.patience,
    checkpointEveryMs,
  };
  const config: ConfigFile = {
    format: runFormat,
    version,
    model,
    preset,
    dataset: describe(dataset, validation),
    data: dataset.directory,
    batch,
    microBatch,
    ...(rounds !== undefined && { rounds }),
    optimizer,
    ...(schedule.name !== 'constant' && { schedule }),
    ...(clip !== undefined && { clip }),
    ...(smoothing > 0 && { smoothing }),
    ...(wireBits < 32 && { wireBits }),
    seed,
    ...augmentOf(settings),
    ...initOf(settings),
    arithmetic,
    epochs,
    maxSteps: plan.maxSteps ?? null,
    evaluateEvery: plan.evaluateEvery,
    targetAccuracy: plan.targetAccuracy ?? null,
    patience: plan.patience ?? null,
    ...(plan.keep === 'best' && { keep: plan.keep }),
  };
  return { name, dataset: config.dataset, config, run, plan, slots };
}

/** In a run of rounds, the optimizer and its settings are those of the local steps, and the outer optimizer updates. */
function updateRules({ rounds, optimizer, schedule, epochs, clip }: RunSettings, stepsPerEpoch: number): UpdateRules {
  const planned = schedule.name === 'constant' ? undefined : { schedule, epochs, stepsPerEpoch };
  const rules = { optimizer, schedule: planned, clip };
  return rounds === undefined ? rules : { optimizer: rounds.outer, rounds: { steps: rounds.steps, ...rules } };
}

function invalidAugment({ augment }: RunSettings, { train }: LoadedDataset): string | null {
  return augment === null ? null : (checkAugment('augment', augment) ?? undistortable(train.shape));
}

/** Absent, and not null, in a run without it: its configuration is that of a version without augmentation. */
function augmentOf({ augment }: RunSettings): Pick<ConfigFile, 'augment'> {
  return augment === null ? {} : { augment };
}

function invalidSplit({ name, train }: LoadedDataset, validation: number): string | null {
  if (validation < train.count) return null;
  const most = `hold out ${train.count - 1} at most`;
  return `${name} has ${train.count} training samples, and a validation set of ${validation} leaves none of them: ${most}`;
}

/** Says why the update, the targets and the numbers on the wire cannot be shaped as the settings want it. */
function invalidShaping({ clip = 1, smoothing, wireBits }: RunSettings, { loss }: Model): string | null {
  const misshapen = positive('clip', clip) ?? oneOf(...wireBitsChoices)('wire bits', wireBits);
  const fault = misshapen ?? fraction('label smoothing', smoothing);
  if (fault !== null || smoothing === 0 || loss === smoothedLoss) return fault;
  return `label smoothing needs the loss ${smoothedLoss}, but the model has ${loss}`;
}

function describe(
  { name, sha256, train, test, classes, classNames }: LoadedDataset,
  validation: number,
): ConfigDataset {
  const sizes = { train: train.count - validation, ...(validation > 0 && { validation }), test: test.count };
  return { name, sha256, ...sizes, shape: train.shape, classes, ...(classNames && { classNames }) };
}

/** A file that is given now has no hash before it is read: see `withGivenInit`. */
function initOf({ init }: RunSettings): { init?: ConfigInit } {
  if (init === undefined || init.weightsSha256 === null) return {};
  return { init: { file: init.file, weightsSha256: init.weightsSha256 } };
}

/** How much of a run the machine computes that conducts it. */
export interface OwnThreadsPlan {
  /** Compute threads of this machine. */
  readonly threads: number;
  /** Whether workers may join over a network. While they compute, the process's own thread serves them. */
  readonly serves?: boolean;
}

/** A machine with the site's threads, which holds the run's samples and its first weights. */
export function buildMachine(
  { run }: RunSetup,
  dataset: LoadedDataset,
  { threads, serves = false }: OwnThreadsPlan,
  platform: Platform,
  onStranded?: (stranded: boolean) => void,
): Machine {
  const machine = new Machine(platform, run, threads, { onStranded, serves });
  const { weights, parameters } = machine.workspace;
  const sets = { ...holdOut(dataset.train, run.validation ?? 0), test: dataset.test };
  for (const set of ['train', 'validation', 'test'] as const) {
    const { count, labels, images } = sets[set];
    storeSamples(machine, set, { ids: Uint32Array.from({ length: count }, (_, id) => id), labels, pixels: images });
  }
  machine.floats(weights, parameters).set(initialWeights(run.model, run.seed));
  return machine;
}

/** Copies weights and optimizer state into the machine: those of a checkpoint, or first weights from a file. */
export function restore(machine: Machine, { weights, vectors }: Pick<Snapshot, 'weights' | 'vectors'>): void {
  const { workspace } = machine;
  machine.floats(workspace.weights, workspace.parameters).set(weights);
  for (const [n, vector] of vectors.entries()) {
    machine.floats(workspace.vectors[n], workspace.parameters).set(vector);
  }
}

interface NamedModel {
  readonly name: string;
  /** The preset's name, null for a model of the user's own. */
  readonly preset: string | null;
  readonly model: Model;
}

function modelOf({ model: source }: RunSettings, dataset: LoadedDataset): NamedModel {
  if (source.from === 'preset') {
    const model = presetModel(source.name, dataset.train.shape, dataset.classes);
    return { name: source.name, preset: source.name, model };
  }
  const { name, preset, model } = ownModel(source);
  const fault = misfit(model, dataset.train.shape, dataset.classes);
  if (fault !== null) throw new LockstepError('model-invalid', `${name} does not fit ${dataset.name}: ${fault}`);
  return { name: baseName(name), preset, model };
}

function ownModel(source: Exclude<ModelSource, { from: 'preset' }>): Pick<NamedModel, 'name' | 'preset' | 'model'> {
  if (source.from === 'run') return { ...source, name: source.preset ?? 'the model of the run' };
  if (source.from === 'request') {
    // A script may hand over anything, so the model is checked like a file.
    return { name: 'model', preset: null, model: parseModel(JSON.stringify(source.model), 'the model') };
  }
  return { name: source.path, preset: null, model: parseModel(readModelFile(source.path), source.path) };
}

function readModelFile(path: string): string {
  try {
    return readOrdinaryFileSync(path, limits.modelFileBytesMax).toString();
  } catch (error) {
    throw new LockstepError('model-invalid', `cannot read the model file ${path}: ${describeFault(error)}`);
  }
}

function baseName(path: string): string {
  return path.replace(/^.*[\\/]/, '').replace(/\.json$/, '');
}
