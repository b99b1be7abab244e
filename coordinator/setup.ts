/** From what was asked for to what will be run: the data set, the model, and a machine that holds both. */
import { readFileSync } from 'node:fs';
import { Machine, type Platform } from '../shared/compute/machine.js';
import type { RunDescription } from '../shared/compute/workspace.js';
import { invalidOrder, SampleOrder } from '../shared/data/order.js';
import { LockstepError } from '../shared/errors.js';
import { limits } from '../shared/limits.js';
import { misfit, parseModel } from '../shared/model/description.js';
import { initialWeights } from '../shared/model/initialise.js';
import type { Model } from '../shared/model/model.js';
import { findPreset, presetDefault, presetModel } from '../shared/model/presets.js';
import type { RunOptions } from './cli/options.js';
import type { LoadedDataset } from './data/load.js';
import type { ConfigDataset } from './run/config.js';
import type { TrainingPlan } from './trainer.js';
import type { Optimizer } from './training.js';

/** A run that has been checked: every part fits every other. */
export interface RunSetup {
  /** For people: the preset's name, or the model file's. */
  readonly name: string;
  /** What it trains on, without the samples: those are in the machine's memory, and tens of megabytes. */
  readonly dataset: ConfigDataset;
  readonly run: RunDescription;
  readonly optimizer: Optimizer;
  readonly plan: TrainingPlan;
  /** Micro-batches of a full step: no more members than that can take part. */
  readonly slots: number;
}

/** Throws `usage`, `model-invalid` or `data-invalid` where something does not fit. */
export function setUpRun(options: RunOptions, dataset: LoadedDataset): RunSetup {
  const { name, model, rate, momentum } = modelOf(options, dataset);
  const { batch, microBatch, seed } = options;
  const fault = invalidOrder({ samples: dataset.train.count, batch, microBatch, seed });
  if (fault !== null) throw new LockstepError('usage', fault);
  const run = { model, train: dataset.train.count, test: dataset.test.count, batch, microBatch, seed };
  const order = new SampleOrder({ ...run, samples: run.train });
  const plan: TrainingPlan = {
    stepsPerEpoch: order.stepsPerEpoch,
    epochs: options.epochs,
    maxSteps: options.maxSteps,
    evaluateEvery: options.evalEvery,
    targetAccuracy: options.targetAccuracy,
    patience: options.patience,
  };
  const optimizer = { rate: Math.fround(options.lr ?? rate), momentum: Math.fround(options.momentum ?? momentum) };
  return { name, dataset: describe(dataset), run, optimizer, plan, slots: order.slots };
}

function describe({ name, sha256, train, test, classes }: LoadedDataset): ConfigDataset {
  return { name, sha256, train: train.count, test: test.count, shape: train.shape, classes };
}

/** A machine with so many threads that holds the run's samples and its first weights. */
export function buildMachine(
  { run }: RunSetup,
  dataset: LoadedDataset,
  threads: number,
  platform: Platform,
  onStranded?: (stranded: boolean) => void,
): Machine {
  const machine = new Machine(platform, run, threads, onStranded);
  const { train, test, weights, parameters } = machine.workspace;
  for (const [store, samples] of [[train, dataset.train] as const, [test, dataset.test] as const]) {
    machine.bytes(store.images, samples.images.length).set(samples.images);
    machine.bytes(store.labels, samples.labels.length).set(samples.labels);
  }
  machine.floats(weights, parameters).set(initialWeights(run.model, run.seed));
  return machine;
}

interface NamedModel {
  readonly name: string;
  readonly model: Model;
  readonly rate: number;
  readonly momentum: number;
}

function modelOf(options: RunOptions, { train, classes, name: data }: LoadedDataset): NamedModel {
  if (options.model === undefined) {
    const { rate, momentum } = findPreset(options.preset);
    return { name: options.preset, model: presetModel(options.preset, train.shape, classes), rate, momentum };
  }
  const model = parseModel(readModelFile(options.model), options.model);
  const fault = misfit(model, train.shape, classes);
  if (fault !== null) throw new LockstepError('model-invalid', `${options.model} does not fit ${data}: ${fault}`);
  const { rate, momentum } = findPreset(presetDefault);
  return { name: baseName(options.model), model, rate, momentum };
}

function readModelFile(path: string): string {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new LockstepError('model-invalid', `cannot read the model file: ${why}`);
  }
  if (text.length <= limits.modelFileBytesMax) return text;
  throw new LockstepError('model-invalid', `${path} is larger than a model description can be`);
}

function baseName(path: string): string {
  return path.replace(/^.*[\\/]/, '').replace(/\.json$/, '');
}
