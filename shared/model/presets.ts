/** Models that need no file, each with the training settings that suit it. */
import type { AugmentDescription } from '../data/augment.js';
import { LockstepError } from '../errors.js';
import type { OptimizerDescription } from '../optimizer/optimizers.js';
import { type ScheduleDescription, scheduleDefaults } from '../optimizer/schedule.js';
import { invalidModel } from './description.js';
import type { DenseDescription } from './layers/dense.js';
import type { LayerDescription } from './layers/layers.js';
import type { Model } from './model.js';

/** Settings of the training that suit a preset. One that is left out is as in every other run. */
export interface PresetTraining {
  readonly epochs?: number;
  readonly batch?: number;
  readonly microBatch?: number;
  readonly augment?: AugmentDescription;
  /** Label smoothing. */
  readonly smoothing?: number;
}

/** What suits a preset in a run of rounds, where the optimizer is that of the local steps and begins anew in each round. */
export interface PresetRounds {
  readonly optimizer: OptimizerDescription;
  readonly schedule: ScheduleDescription;
  readonly microBatch: number;
}

export interface Preset {
  /** One line for people. */
  readonly description: string;
  /** For 28 x 28 pixels and ten classes, as MNIST has them. */
  readonly model: Model;
  /** What suits the model, with the batch of `training`. */
  readonly optimizer: OptimizerDescription;
  /** How the rate changes from step to step. Undefined: it does not. */
  readonly schedule?: ScheduleDescription;
  /** In a run of rounds, these take the place of the settings above. Undefined: rounds have the same. */
  readonly rounds?: PresetRounds;
  /** The other settings that suit it. A user's options win over all of them. */
  readonly training?: PresetTraining;
  /** The same network for images of another shape, and another number of classes. */
  readonly modelFor: (input: Model['input'], classes: number) => Model;
}

export type PresetName = 'mlp' | 'sigmoid-16' | 'sigmoid-100' | 'softmax' | 'cnn-small' | 'lenet5' | 'cnn';

export const presetDefault: PresetName = 'mlp';

/** A relu after a pool gives what it gives before it, for a quarter of the values. */
const pool: LayerDescription = { maxPool: 2, activation: 'relu' };
const smallLayers: readonly LayerDescription[] = [
  { conv2d: 24, kernel: 5, activation: 'linear' },
  pool,
  { conv2d: 32, kernel: 3, activation: 'linear' },
  pool,
];
const largeLayers: readonly LayerDescription[] = [
  { conv2d: 32, kernel: 5, activation: 'linear' },
  pool,
  { conv2d: 64, kernel: 5, activation: 'linear' },
  pool,
  { dense: 128, activation: 'relu' },
  { dropout: 0.4 },
];
const lenetLayers: readonly LayerDescription[] = [
  { conv2d: 6, kernel: 5, padding: 2, activation: 'linear' },
  pool,
  { conv2d: 16, kernel: 5, activation: 'linear' },
  pool,
  { dense: 120, activation: 'relu' },
  { dense: 84, activation: 'relu' },
];
const oneCycle = scheduleDefaults('one-cycle');
/** Adam needs more steps than a round has: what it remembers is worth little at first. */
const convolutionRounds: PresetRounds = {
  optimizer: { name: 'sgd', rate: 0.1, momentum: 0.9, nesterov: true },
  schedule: oneCycle,
  microBatch: 32,
};

export const presets: Readonly<Record<PresetName, Preset>> = {
  mlp: {
    ...preset(
      '784-128-10, relu, softmax cross-entropy, SGD with momentum',
      { name: 'sgd', rate: 0.1, momentum: 0.9 },
      (input, classes) => classifier(input, [{ dense: 128, activation: 'relu' }], classes),
    ),
    rounds: { optimizer: { name: 'sgd', rate: 0.2, momentum: 0.9 }, schedule: oneCycle, microBatch: 32 },
  },
  'sigmoid-16': preset(
    "784-16-16-10, sigmoid, quadratic cost, plain SGD: the network of 3Blue1Brown's introduction",
    { name: 'sgd', rate: 5, momentum: 0 },
    (input, classes) => sigmoidNetwork(input, 16, 16, classes),
  ),
  'sigmoid-100': preset(
    '784-100-100-10, sigmoid, quadratic cost, plain SGD',
    { name: 'sgd', rate: 2, momentum: 0 },
    (input, classes) => sigmoidNetwork(input, 100, 100, classes),
  ),
  softmax: preset(
    '784-10, softmax cross-entropy, plain SGD: logistic regression',
    { name: 'sgd', rate: 0.1, momentum: 0 },
    (input, classes) => classifier(input, [], classes),
  ),
  'cnn-small': {
    ...preset(
      '2 convolutions, relu, softmax cross-entropy, Adam in one cycle of the rate',
      { name: 'adam', rate: 0.01, beta1: 0.7, beta2: 0.9, epsilon: 1e-8 },
      (input, classes) => classifier(input, smallLayers, classes),
    ),
    schedule: oneCycle,
    rounds: convolutionRounds,
    training: { epochs: 8, batch: 256, microBatch: 16, augment: { shift: 2 } },
  },
  lenet5: {
    ...preset(
      '2 convolutions, 3 dense layers, relu, after LeNet-5 (LeCun et al. 1998), Adam in one cycle of the rate',
      { name: 'adam', rate: 0.004, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 },
      (input, classes) => classifier(input, lenetLayers, classes),
    ),
    schedule: oneCycle,
    rounds: convolutionRounds,
    training: { epochs: 8, batch: 128, microBatch: 32, augment: { shift: 2 } },
  },
  cnn: {
    ...preset(
      '2 wider convolutions, 2 dense layers, relu, dropout, Adam in one cycle of the rate, on distorted images',
      { name: 'adam', rate: 0.004, beta1: 0.8, beta2: 0.95, epsilon: 1e-8 },
      (input, classes) => classifier(input, largeLayers, classes),
    ),
    schedule: oneCycle,
    rounds: convolutionRounds,
    training: { epochs: 20, batch: 256, microBatch: 32, augment: { shift: 2, rotate: 10, scale: 0.1 } },
  },
};

/**
 * The preset's model for images of `shape` and `classes` classes: the input and the last layer follow the data set.
 * Throws `usage` for an unknown name, `data-invalid` for a data set that no model can take.
 */
export function presetModel(name: string, shape: readonly number[], classes: number): Model {
  const model = findPreset(name).modelFor([...shape], classes);
  const fault = invalidModel(model);
  if (fault !== null)
    throw new LockstepError('data-invalid', `the preset ${name} does not suit this data set: ${fault}`);
  return model;
}

/** Throws `usage` with the names there are. */
export function findPreset(name: string): Preset {
  if (Object.hasOwn(presets, name)) return presets[name as PresetName];
  const names = Object.keys(presets).join(', ');
  throw new LockstepError('usage', `there is no preset "${name}": use one of ${names}, or a model file`);
}

function preset(description: string, optimizer: OptimizerDescription, modelFor: Preset['modelFor']): Preset {
  return { description, optimizer, model: modelFor([28, 28], 10), modelFor };
}

/** Layers, and behind them one output for each class. */
function classifier(input: Model['input'], layers: readonly LayerDescription[], classes: number): Model {
  return { input, layers: [...layers, { dense: classes, activation: 'linear' }], loss: 'softmaxCrossEntropy' };
}

function sigmoidNetwork(input: Model['input'], ...widths: number[]): Model {
  const layers = widths.map((dense): DenseDescription => ({ dense, activation: 'sigmoid' }));
  return { input, layers, loss: 'quadratic' };
}
