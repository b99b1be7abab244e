/** A table of small runs that together choose everything that there is to choose from (kinds.ts). */
import type { RunRequest } from '../../coordinator/run/run-request.js';
import type { Activation } from '../../shared/arithmetic/kernels.js';
import type { Model } from '../../shared/model/model.js';

/** A run of a few steps. */
export interface SmallProblem extends RunRequest {
  readonly model: Model;
}

export const classes = 4;

/** One of each layer that has an activation. The first weights of half of them are drawn by another rule than usual. */
function chainWith(activation: keyof typeof Activation): Model['layers'] {
  const other = activation === 'relu' ? 'glorot' : 'he';
  return [
    { conv2d: 3, kernel: 3, padding: 1, activation },
    { batchNorm: 1e-3, activation },
    { maxPool: 2, stride: 1, activation },
    { conv2d: 4, kernel: 2, stride: 2, activation, initial: other },
    { averagePool: 2, stride: 1, activation },
    { dense: 10, activation, initial: other },
  ];
}

function modelOf(input: Model['input'], loss: Model['loss'], ...layers: Model['layers']): Model {
  return { input, layers: [...layers, { dense: classes, activation: 'linear' }], loss };
}

/** Every step has six slots, except the last one of an epoch, which has a smaller one. */
const size = { epochs: 2, batch: 24, microBatch: 4, seed: 3 } as const;

/** Every round has three slots of two local steps. The last one of an epoch has two slots, one of them with one step. */
const rounds = { epochs: 2, microBatch: 4, localSteps: 2, replicas: 3, seed: 3 } as const;

export const problems: Readonly<Record<string, SmallProblem>> = {
  'relu, adam in one cycle, clipped': {
    ...size,
    model: modelOf([8, 7], 'softmaxCrossEntropy', ...chainWith('relu'), { dropout: 0.3 }),
    ...{ optimizer: 'adam', lr: 0.01, beta1: 0.8, beta2: 0.95, epsilon: 1e-6, schedule: 'one-cycle' },
    ...{ clip: 0.5, labelSmoothing: 0.1, wireBits: 4 },
    augment: { shift: 1, rotate: 15 },
  },
  'tanh, sgd with nesterov and decay, along a cosine': {
    ...size,
    model: modelOf([9, 8, 2], 'sigmoidCrossEntropy', ...chainWith('tanh'), { flatten: true }),
    ...{ optimizer: 'sgd', lr: 0.05, momentum: 0.8, nesterov: true, weightDecay: 0.01, schedule: 'cosine' },
    augment: { elastic: 0.7 },
  },
  'sigmoid, adamw along a line, with a validation set': {
    ...size,
    model: modelOf([8, 8], 'quadratic', { dropout: 0.1 }, ...chainWith('sigmoid')),
    ...{ optimizer: 'adamw', lr: 0.02, beta1: 0.7, beta2: 0.9, epsilon: 1e-7, weightDecay: 0.1, schedule: 'linear' },
    ...{ validation: 22, keep: 'best', evalEvery: 2, wireBits: 8 },
  },
  'linear, plain sgd in steps': {
    ...size,
    model: modelOf([10, 9], 'softmaxCrossEntropy', ...chainWith('linear'), { leakyRelu: 0.1 }),
    ...{ optimizer: 'sgd', lr: 0.02, momentum: 0, schedule: 'step', lrEvery: 1, lrFactor: 0.5 },
    augment: { scale: 0.2 },
  },
  'means of channels, sgd with momentum, every distortion': {
    ...size,
    model: modelOf(
      [6, 6, 3],
      'softmaxCrossEntropy',
      { batchNorm: 1e-5, activation: 'linear' },
      { leakyRelu: 0.2 },
      { conv2d: 5, kernel: 3, activation: 'relu' },
      { globalAveragePool: true },
      { dense: 12, activation: 'relu' },
    ),
    ...{ optimizer: 'sgd', lr: 0.1, momentum: 0.9, wireBits: 16 },
    augment: { shift: 1, rotate: 20, scale: 0.1, elastic: 0.5 },
  },
  'rounds of sgd with nesterov, in one cycle, clipped': {
    ...rounds,
    model: modelOf([8, 7], 'softmaxCrossEntropy', ...chainWith('relu'), { dropout: 0.3 }),
    ...{ optimizer: 'sgd', lr: 0.05, nesterov: true, weightDecay: 0.01, schedule: 'one-cycle', clip: 0.5 },
    ...{ outerLr: 0.8, outerMomentum: 0.6, labelSmoothing: 0.1, validation: 22, keep: 'best', evalEvery: 2 },
    augment: { shift: 1 },
  },
  'rounds of adam and their plain mean': {
    ...rounds,
    model: modelOf([9, 8, 2], 'sigmoidCrossEntropy', ...chainWith('tanh')),
    ...{ optimizer: 'adam', lr: 0.01, beta1: 0.5, outerLr: 1, outerMomentum: 0, wireBits: 4 },
  },
  'dense layers alone, all samples in a step': {
    ...size,
    epochs: 4,
    batch: 0,
    model: modelOf([5, 5], 'softmaxCrossEntropy', { dense: 12, activation: 'relu' }),
    lr: 0.1,
  },
};
