/** Tests what the files for PyTorch say. In test/exports, PyTorch itself loads them. */
import { expect, test } from 'vitest';
import { pytorchModel } from '../../../coordinator/export/pytorch.js';
import type { Model } from '../../../shared/model/model.js';
import { models, someWeights } from '../../exports/models.js';
import { exportedOf } from './fixture.js';

function made(model: Model) {
  const weights = someWeights(model);
  return { weights, ...pytorchModel(exportedOf(model, weights), 'model.safetensors') };
}

/** The indented lines of a function of the module, without those that every model has. */
function linesOf(source: string, pattern: RegExp): string[] {
  return source.split('\n').flatMap((line) => (pattern.test(line) ? [line.trim()] : []));
}

test('dense weights are outputs x inputs', () => {
  const { tensors, weights } = made(models.mlp);
  expect(tensors.map(({ name, shape }) => [name, shape])).toEqual([
    ['layers.0.weight', [128, 784]],
    ['layers.0.bias', [128]],
    ['layers.1.weight', [10, 128]],
    ['layers.1.bias', [10]],
  ]);
  const [{ values }] = tensors;
  expect(values[5 * 784 + 300]).toBe(weights[300 * 128 + 5]);
});

test('the module has a line for each layer, and each activation', () => {
  const { source } = made(models.mlp);
  expect(linesOf(source, /^ {12}nn\./)).toEqual(['nn.Linear(784, 128),', 'nn.Linear(128, 10),']);
  expect(linesOf(source, /^ {8}x = /)).toEqual([
    'x = x.flatten(1)',
    'x = torch.relu(self.layers[0](x))',
    'x = self.layers[1](x)',
  ]);
});

test('convolutions are outputs x channels x height x width, and a vector of an image has its channels first', () => {
  const { tensors, source, weights } = made(models.windows);
  const shapes = new Map(tensors.map(({ name, shape }) => [name, shape]));
  expect(shapes.get('layers.0.weight')).toEqual([6, 1, 3, 3]);
  expect(shapes.get('layers.2.weight')).toEqual([5, 6, 2, 2]);
  const first = tensors.find(({ name }) => name === 'layers.0.weight')!.values;
  // Output 4, row 2, column 1.
  expect(first[4 * 9 + 2 * 3 + 1]).toBe(weights[(2 * 3 + 1) * 6 + 4]);
  expect(linesOf(source, /^ {8}x = /).slice(0, 2)).toEqual([
    'x = x.reshape(-1, 1, 11, 9)',
    'x = torch.relu(self.layers[0](x))',
  ]);
  // The vector has 4 x 3 positions and 5 channels. Its value 2 is position 2 of channel 0.
  const [scale, last] = ['layers.5.weight', 'layers.6.weight'].map(
    (name) => tensors.find((each) => each.name === name)!,
  );
  const scaleAt = 9 * 6 + 6 + 2 * 2 * 6 * 5 + 5;
  expect(scale.values[2]).toBe(weights[scaleAt + 2 * 5]);
  expect(last.shape).toEqual([4, 60]);
  expect(last.values[3 * 60 + 2]).toBe(weights[scaleAt + 4 * 60 + 2 * 5 * 4 + 3]);
});

test('a name with quotes stays a text of Python', () => {
  const { mlp } = models;
  const exported = { ...exportedOf(mlp, someWeights(mlp)), name: 'a """ and a \\' };
  expect(pytorchModel(exported, 'w').source.split('\n')[0]).toMatch(/^"""a \\"\\"\\" and a \\\\: a network/);
});
