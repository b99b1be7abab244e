/** Models that need no file, each with the training settings that suit it. */
import { LockstepError } from '../errors.js';
import { invalidModel } from './description.js';
import type { DenseLayer, Model } from './model.js';

export interface Preset {
  /** One line for people. */
  readonly description: string;
  /** For 28 x 28 pixels and ten classes, as MNIST has them. */
  readonly model: Model;
  /** Learning rate that suits the model with batches of about 128. */
  readonly rate: number;
  readonly momentum: number;
}

export type PresetName = 'mlp' | 'sigmoid-16' | 'sigmoid-100';

export const presetDefault: PresetName = 'mlp';

export const presets: Readonly<Record<PresetName, Preset>> = {
  mlp: {
    description: '784-128-10, relu, softmax cross-entropy, SGD with momentum',
    model: {
      input: [28, 28],
      layers: [
        { dense: 128, activation: 'relu' },
        { dense: 10, activation: 'linear' },
      ],
      loss: 'softmaxCrossEntropy',
    },
    rate: 0.1,
    momentum: 0.9,
  },
  'sigmoid-16': {
    description: "784-16-16-10, sigmoid, quadratic cost, plain SGD: the network of 3Blue1Brown's introduction",
    model: sigmoidNetwork(16, 16, 10),
    rate: 5,
    momentum: 0,
  },
  'sigmoid-100': {
    description: '784-100-100-10, sigmoid, quadratic cost, plain SGD',
    model: sigmoidNetwork(100, 100, 10),
    rate: 2,
    momentum: 0,
  },
};

/**
 * The preset's model for images of `shape` and `classes` classes: the input and the last layer follow the data set,
 * what is between stays. Throws `usage` for an unknown name, `data-invalid` for a data set that no model can take.
 */
export function presetModel(name: string, shape: readonly number[], classes: number): Model {
  const { model } = findPreset(name);
  const last = model.layers.length - 1;
  const layers = model.layers.map((layer, n) => (n === last ? { ...layer, dense: classes } : layer));
  const adapted: Model = { ...model, input: [...shape], layers };
  const fault = invalidModel(adapted);
  if (fault !== null) throw new LockstepError('data-invalid', `no preset suits this data set: ${fault}`);
  return adapted;
}

/** Throws `usage` with the names there are. */
export function findPreset(name: string): Preset {
  if (Object.hasOwn(presets, name)) return presets[name as PresetName];
  const names = Object.keys(presets).join(', ');
  throw new LockstepError('usage', `there is no preset "${name}": use one of ${names}, or a model file`);
}

function sigmoidNetwork(...widths: number[]): Model {
  const layers = widths.map((dense): DenseLayer => ({ dense, activation: 'sigmoid' }));
  return { input: [28, 28], layers, loss: 'quadratic' };
}
