/** The options that describe a run: names, allowed values, and help texts. */
import type { Options } from 'yargs';
import { LockstepError } from '../../shared/errors.js';
import { limits } from '../../shared/limits.js';
import { type WireBits, wireBitsChoices } from '../../shared/model/coding.js';
import { findPreset, presetDefault, presets } from '../../shared/model/presets.js';
import { optimizerNames } from '../../shared/optimizer/optimizers.js';
import { scheduleNames } from '../../shared/optimizer/schedule.js';
import { printableOf } from '../../shared/text.js';
import { type KernelsWish, kernelsWishes } from '../../worker/native/wish.js';
import { describeFault } from '../data/fault.js';
import { readOrdinaryFileSync } from '../data/ordinary-file.js';
import { datasetChoices } from '../data/published.js';
import { replicasDefault } from '../run/round-settings.js';
import { checkpointEveryDefault, type RunRequest } from '../run/run-request.js';
import { defaults } from '../run/settings.js';
import { augmentOption } from './augment-option.js';

/** Options of the commands that train: the run itself, and how this process shows it. */
export interface CommandOptions extends RunRequest {
  readonly profile: boolean;
  readonly kernels?: KernelsWish | undefined;
  readonly logLevel: LogLevel;
  readonly logFormat: 'auto' | 'pretty' | 'json';
}

export type LogLevel = (typeof logLevels)[number];
const logLevels = ['silent', 'error', 'warn', 'info', 'debug'] as const;

const group = {
  data: 'Data:',
  model: 'Model:',
  training: 'Training:',
  update: 'Optimizer:',
  rounds: 'Rounds:',
  output: 'Output:',
} as const;

export const logOptions = {
  'log-level': { group: group.output, choices: logLevels, default: 'info', describe: 'Least severe messages to show' },
  'log-format': {
    group: group.output,
    choices: ['auto', 'pretty', 'json'],
    default: 'auto',
    describe: 'Readable lines or JSON lines; auto: readable in a terminal',
  },
} as const satisfies Record<string, Options>;

/** What every command that computes asks for. */
export const kernelsOptions = {
  kernels: {
    choices: kernelsWishes,
    defaultDescription: 'auto',
    describe: 'auto: compiled for this processor where there is a C compiler, else wasm (also: LOCKSTEP_KERNELS)',
  },
} as const satisfies Record<string, Options>;

const presetNames = Object.keys(presets);

export const runOptions = {
  data: { group: group.data, string: true, describe: 'Directory of IDX files (also: LOCKSTEP_DATA)', coerce: once },
  dataset: {
    group: group.data,
    choices: datasetChoices,
    defaultDescription: defaults.dataset,
    describe: 'A published set, from the cache or downloaded; auto: MNIST where it can be had, else generated digits',
  },
  preset: {
    group: group.model,
    string: true,
    defaultDescription: presetDefault,
    describe: `A ready-made model, with settings that suit it (lockstep presets lists them): ${presetNames.join(', ')}`,
    coerce: presetName,
  },
  model: { group: group.model, string: true, describe: 'A model of your own, a JSON file', coerce: once },
  epochs: {
    group: group.training,
    defaultDescription: presetOr(defaults.epochs),
    describe: 'Passes over the training set',
    coerce: integer('epochs', 1, limits.epochsMax),
  },
  batch: {
    group: group.training,
    defaultDescription: presetOr(defaults.batch),
    describe: 'Samples per step; 0: all of them (full-batch gradient descent)',
    coerce: integer('batch', 0, limits.samplesMax),
  },
  'micro-batch': {
    group: group.training,
    defaultDescription: presetOr(defaults.microBatch),
    describe: 'Samples per slot, the smallest piece of work; in rounds, samples per local step',
    coerce: integer('micro-batch', 1, limits.microBatchMax),
  },
  optimizer: {
    group: group.update,
    choices: optimizerNames,
    describe: `How the weights are updated (default: the preset's, sgd for ${presetDefault})`,
  },
  lr: {
    group: group.update,
    describe: `Learning rate (default: the preset's, 0.1 for ${presetDefault}; 0.001 for adam and adamw)`,
    coerce: real('lr', 0, 1e6),
  },
  momentum: {
    group: group.update,
    describe: `Momentum of sgd (default: the preset's, 0.9 for ${presetDefault})`,
    coerce: real('momentum', 0, 1),
  },
  nesterov: { group: group.update, boolean: true, describe: 'sgd: look ahead along the momentum' },
  'weight-decay': {
    group: group.update,
    defaultDescription: '0; adamw: 0.01',
    describe: 'sgd and adamw: how fast weights shrink by themselves',
    coerce: real('weight-decay', 0, 1e6),
  },
  beta1: {
    group: group.update,
    defaultDescription: '0.9',
    describe: 'adam and adamw: memory of the mean gradient',
    coerce: real('beta1', 0, 1),
  },
  beta2: {
    group: group.update,
    defaultDescription: '0.999',
    describe: 'adam and adamw: memory of its square',
    coerce: real('beta2', 0, 1),
  },
  epsilon: {
    group: group.update,
    defaultDescription: '1e-8',
    describe: 'adam and adamw: added to the divisor',
    coerce: real('epsilon', 0, 1e6),
  },
  schedule: {
    group: group.update,
    choices: scheduleNames,
    defaultDescription: presetOr('constant'),
    describe: 'How the learning rate changes from step to step, over all epochs',
  },
  'warm-up': {
    group: group.update,
    defaultDescription: '0.3',
    describe: 'one-cycle: part of the steps in which the rate rises',
    coerce: real('warm-up', 0, 1),
  },
  'lr-from': {
    group: group.update,
    defaultDescription: '0.04',
    describe: 'one-cycle: the rate that it begins with, as a part of --lr',
    coerce: real('lr-from', 0, 1e6),
  },
  'lr-to': {
    group: group.update,
    defaultDescription: '0; one-cycle: 0.0001',
    describe: 'linear, cosine, one-cycle: the rate at the end, as a part of --lr',
    coerce: real('lr-to', 0, 1e6),
  },
  'lr-every': {
    group: group.update,
    defaultDescription: '10',
    describe: 'step: epochs from one change of the rate to the next',
    coerce: integer('lr-every', 1, limits.epochsMax),
  },
  'lr-factor': {
    group: group.update,
    defaultDescription: '0.1',
    describe: 'step: what the rate is multiplied by',
    coerce: real('lr-factor', 0, 1e6),
  },
  clip: {
    group: group.update,
    describe: 'Scale a step’s gradient down to this norm if it is longer',
    coerce: real('clip', 0, 1e30),
  },
  'local-steps': {
    group: group.rounds,
    defaultDescription: '1, which is ordinary steps',
    describe:
      'Each slot makes so many optimizer steps between two exchanges: far less to send; presets then have another optimizer, schedule and micro-batch (lockstep presets)',
    coerce: integer('local-steps', 1, limits.localStepsMax),
  },
  replicas: {
    group: group.rounds,
    defaultDescription: String(replicasDefault),
    describe: 'Slots of a round, each with samples of its own; more workers than that have nothing to do',
    coerce: integer('replicas', 1, limits.slotsMax),
  },
  'outer-lr': {
    group: group.rounds,
    defaultDescription: '0.7',
    describe: 'How far the weights move along the mean of the slots’ changes',
    coerce: real('outer-lr', 0, 1e6),
  },
  'outer-momentum': {
    group: group.rounds,
    defaultDescription: '0.8',
    describe: 'Momentum (Nesterov’s) from round to round; --outer-lr 1 --outer-momentum 0: the plain mean',
    coerce: real('outer-momentum', 0, 1),
  },
  'wire-bits': {
    group: group.training,
    defaultDescription: String(defaults.wireBits),
    describe: 'Bits of a number that workers send and receive: 32, 16, 8 or 4; fewer make other weights',
    coerce: wireBits,
  },
  'label-smoothing': {
    group: group.training,
    defaultDescription: presetOr(0),
    describe: 'Part of each target that all classes share, 0..1; for softmaxCrossEntropy',
    coerce: real('label-smoothing', 0, 1),
  },
  seed: {
    group: group.training,
    defaultDescription: String(defaults.seed),
    describe: 'Decides weights and order',
    coerce: integer('seed', 0, 2 ** 32 - 1),
  },
  augment: {
    group: group.training,
    defaultDescription: presetOr('none'),
    describe: 'Distort the training images: some of shift=2,rotate=10,scale=0.1,elastic=3; or none',
    coerce: (x: unknown) => augmentOption(single(x)),
  },
  'eval-every': {
    group: group.training,
    defaultDescription: String(defaults.evalEvery),
    describe: 'Evaluate after every epoch, or every so many steps',
    coerce: (x: unknown) => (x === 'epoch' ? 'epoch' : integer('eval-every', 1, 1e9)(x)),
  },
  validation: {
    group: group.training,
    defaultDescription: String(defaults.validation),
    describe:
      'Hold the last N training samples out: they judge the run, and the test set is evaluated once, at the end',
    coerce: integer('validation', 0, limits.samplesMax - 1),
  },
  keep: {
    group: group.training,
    choices: ['best', 'last'],
    defaultDescription: defaults.keep,
    describe: 'The weights to end with: the last ones, or those of the evaluation with the lowest loss',
  },
  init: {
    group: group.model,
    string: true,
    describe: 'First weights from a safetensors file, such as model.safetensors of another run',
    coerce: once,
  },
  'max-steps': { group: group.training, describe: 'Stop after so many steps', coerce: integer('max-steps', 1, 1e9) },
  'target-accuracy': {
    group: group.training,
    describe: 'Stop at this accuracy, 0..1',
    coerce: real('target-accuracy', 0, 1),
  },
  patience: {
    group: group.training,
    describe: 'Stop after so many evaluations without a lower loss',
    coerce: integer('patience', 1, 1e6),
  },
  out: {
    group: group.output,
    string: true,
    defaultDescription: 'runs/DATE-NAME',
    describe: 'Directory for the results; a run in it that is not finished goes on',
    coerce: once,
  },
  resume: {
    group: group.output,
    string: true,
    describe: 'Go on with the run in this directory, with its settings',
    coerce: once,
    conflicts: 'out',
  },
  'checkpoint-every': {
    group: group.output,
    default: checkpointEveryDefault,
    describe: 'Seconds between checkpoints, besides those after every evaluation',
    coerce: real('checkpoint-every', 0, 1e6),
  },
  profile: {
    group: group.output,
    boolean: true,
    default: false,
    describe: 'Measure where the time goes, into profile.json and profile.md of the run directory',
  },
  ...kernelsOptions,
  ...logOptions,
} as const satisfies Record<string, Options>;

/** Where a command that serves pages listens, and who may reach it. */
export const accessOptions = {
  host: { string: true, default: '127.0.0.1', describe: 'Address to listen on; 0.0.0.0: all', coerce: once },
  'token-file': {
    string: true,
    describe: 'File with the token that others need (also: LOCKSTEP_TOKEN)',
    coerce: once,
  },
  open: { boolean: true, default: false, describe: 'Ask for no token, wherever it listens' },
  'allow-host': {
    string: true,
    array: true,
    requiresArg: true,
    default: [] as string[],
    defaultDescription: 'its addresses, localhost, and its own name',
    describe: 'Another name that browsers reach it by, or a site whose pages may join',
  },
} as const satisfies Record<string, Options>;

/** Reads a configuration file: the options' names and values as a JSON object. */
export function readConfig(path: string): Record<string, unknown> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(readOrdinaryFileSync(path, limits.configFileBytesMax).toString());
  } catch (error) {
    throw new LockstepError(
      'usage',
      `cannot read the configuration file ${path}: ${printableOf(describeFault(error), 200)}`,
    );
  }
  if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return { ...parsed };
  throw new LockstepError('usage', `the configuration file ${path} must be a JSON object, such as {"epochs": 5}`);
}

/** Reads text. yargs makes an array of an option that is given twice, and does not call this for an absent one. */
export function once(x: unknown): string {
  return String(single(x));
}

/** Returns a function that reads whole numbers within bounds. */
export function integer(name: string, min: number, max: number): (x: unknown) => number {
  return (x) => {
    const value = number(name, x);
    if (Number.isInteger(value) && value >= min && value <= max) return value;
    throw new LockstepError('usage', `--${name} is ${x}, but must be a whole number from ${min} to ${max}`);
  };
}

/** The same for numbers that need not be whole. */
export function real(name: string, min: number, max: number): (x: unknown) => number {
  return (x) => {
    const value = number(name, x);
    if (value >= min && value <= max) return value;
    throw new LockstepError('usage', `--${name} is ${x}, but must be a number from ${min} to ${max}`);
  };
}

function wireBits(x: unknown): WireBits {
  const bits = wireBitsChoices.find((choice) => choice === number('wire-bits', x));
  if (bits !== undefined) return bits;
  throw new LockstepError('usage', `--wire-bits is ${x}, but must be one of ${wireBitsChoices.join(', ')}`);
}

function number(name: string, x: unknown): number {
  const value = single(x);
  const parsed = typeof value === 'string' && value.trim() === '' ? Number.NaN : Number(value);
  if (Number.isFinite(parsed)) return parsed;
  throw new LockstepError('usage', `--${name} is ${JSON.stringify(value)}, but must be a number`);
}

function single(x: unknown): unknown {
  if (!Array.isArray(x)) return x;
  throw new LockstepError('usage', `an option was given twice: ${x.join(' and ')}; give it once`);
}

/** A default that a preset may have a better value for. */
function presetOr(otherwise: number | string): string {
  return `the preset's, or ${otherwise}`;
}

function presetName(x: unknown): string {
  const name = once(x);
  findPreset(name);
  return name;
}
