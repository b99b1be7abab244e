/** Models that have every kind of layer, in places where the formats must reorder something. */
import { elements } from '../../shared/model/layers/layer.js';
import type { Model } from '../../shared/model/model.js';
import { tensorSpans } from '../../shared/model/parameters.js';
import { presets } from '../../shared/model/presets.js';
import { Random } from '../../shared/random.js';
import { randomWeights } from '../shared/model/fixture.js';

export const models: Readonly<Record<string, Model>> = {
  mlp: presets.mlp.model,
  'sigmoid-16': presets['sigmoid-16'].model,
  'cnn-small': presets['cnn-small'].model,
  lenet5: presets.lenet5.model,
  cnn: presets.cnn.model,
  vector: {
    input: [12],
    layers: [
      { dense: 7, activation: 'tanh' },
      { dense: 5, activation: 'linear' },
    ],
    loss: 'sigmoidCrossEntropy',
  },
  'dense from channels': {
    input: [4, 5, 2],
    layers: [{ dense: 6, activation: 'linear' }],
    loss: 'softmaxCrossEntropy',
  },
  convolutions: {
    input: [11, 9],
    layers: [
      { conv2d: 6, kernel: 3, stride: 2, padding: 1, activation: 'relu' },
      { conv2d: 5, kernel: 2, padding: 1, activation: 'tanh' },
      { dense: 4, activation: 'linear' },
    ],
    loss: 'softmaxCrossEntropy',
  },
  'ends with an image': {
    input: [6, 5, 2],
    layers: [{ conv2d: 3, kernel: 3, activation: 'linear' }],
    loss: 'softmaxCrossEntropy',
  },
  windows: {
    input: [11, 9],
    layers: [
      { conv2d: 6, kernel: 3, stride: 2, padding: 1, activation: 'relu' },
      { maxPool: 2, stride: 1, activation: 'tanh' },
      { conv2d: 5, kernel: 2, activation: 'linear' },
      { flatten: true },
      { leakyRelu: 0.1 },
      { batchNorm: 1e-5, activation: 'relu' },
      { dense: 4, activation: 'linear' },
    ],
    loss: 'softmaxCrossEntropy',
  },
  channels: {
    input: [8, 6, 3],
    layers: [
      { batchNorm: 1e-3, activation: 'sigmoid' },
      { conv2d: 4, kernel: 3, padding: 2, activation: 'tanh' },
      { averagePool: 3, stride: 2, activation: 'relu' },
      { dense: 6, activation: 'linear' },
    ],
    loss: 'quadratic',
  },
  'global average': {
    input: [9, 9],
    layers: [
      { dropout: 0.2 },
      { batchNorm: 1e-5 },
      { conv2d: 6, kernel: 3, activation: 'relu' },
      { globalAveragePool: true },
      { dropout: 0.5 },
      { dense: 5, activation: 'linear' },
    ],
    loss: 'softmaxCrossEntropy',
  },
  'ends with a vector of an image': {
    input: [6, 5],
    layers: [{ conv2d: 3, kernel: 3, activation: 'linear' }, { flatten: true }, { dropout: 0.1 }],
    loss: 'softmaxCrossEntropy',
  },
  'four axes': {
    input: [2, 3, 4, 2],
    layers: [{ batchNorm: 1e-5 }, { leakyRelu: 0.2 }, { dense: 3, activation: 'linear' }],
    loss: 'softmaxCrossEntropy',
  },
};

/** Weights of a model that might have been trained: no number has its first value, and no variance is negative. */
export function someWeights(model: Model): Float32Array {
  const weights = randomWeights(model, 7);
  const random = new Random(7, 102);
  for (const { name, shape, offset } of tensorSpans(model)) {
    const tensor = weights.subarray(offset, offset + elements(shape));
    if (/\.(scale|variance)$/.test(name)) tensor.set(tensor.map(() => 0.5 + random.uniform()));
    if (/\.(shift|mean)$/.test(name)) tensor.set(tensor.map(() => random.uniform() - 0.5));
  }
  return weights;
}
