/** Tests what the files for PyTorch say. In test/exports, PyTorch itself loads them. */
import { expect, test } from 'vitest';
import { pytorchModel } from '../../../coordinator/export/pytorch.js';
import type { Model } from '../../../shared/model/model.js';
import { presets } from '../../../shared/model/presets.js';
import { models, someWeights } from '../../exports/models.js';
import { exportedOf } from './fixture.js';

function made(model: Model) {
  const weights = someWeights(model);
  return { weights, ...pytorchModel(exportedOf(model, weights), 'model.safetensors') };
}

/** The lines of the nn.Sequential. */
function rowsOf(source: string): string[] {
  const lines = source.split('\n');
  const begin = lines.findIndex((line) => line.startsWith('model = nn.Sequential('));
  return lines.slice(begin + 1, lines.indexOf(')')).map((line) => line.trim());
}

test('dense weights are outputs x inputs', () => {
  const { tensors, weights } = made(models.mlp);
  expect(tensors.map(({ name, shape }) => [name, shape])).toEqual([
    ['1.weight', [128, 784]],
    ['1.bias', [128]],
    ['3.weight', [10, 128]],
    ['3.bias', [10]],
  ]);
  const [{ values }] = tensors;
  expect(values[5 * 784 + 300]).toBe(weights[300 * 128 + 5]);
});

test('the module has a line for each layer with weights, and what follows it is beside it', () => {
  expect(rowsOf(made(models.mlp).source)).toEqual([
    'nn.Flatten(), nn.Linear(784, 128), nn.ReLU(),',
    'nn.Linear(128, 10),',
  ]);
  expect(rowsOf(made(presets.lenet5.model).source)).toEqual([
    'nn.Unflatten(1, (1, 28)), nn.Conv2d(1, 6, 5, padding=2), nn.MaxPool2d(2), nn.ReLU(),',
    'nn.Conv2d(6, 16, 5), nn.MaxPool2d(2), nn.ReLU(),',
    'nn.Flatten(), nn.Linear(400, 120), nn.ReLU(),',
    'nn.Linear(120, 84), nn.ReLU(),',
    'nn.Linear(84, 10),',
  ]);
});

test.each(Object.entries(presets))('the module for %s has 20 lines or fewer', (_, { model }) => {
  const lines = made(model).source.trimEnd().split('\n');
  expect(lines.length).toBeLessThanOrEqual(20);
  for (const line of lines) expect(line.length, line).toBeLessThanOrEqual(120);
});

test('convolutions are outputs x channels x height x width, and a vector of an image has its channels first', () => {
  const { tensors, source, weights } = made(models.windows);
  const shapes = new Map(tensors.map(({ name, shape }) => [name, shape]));
  expect(shapes.get('1.weight')).toEqual([6, 1, 3, 3]);
  expect(shapes.get('5.weight')).toEqual([5, 6, 2, 2]);
  const first = tensors.find(({ name }) => name === '1.weight')!.values;
  // Output 4, row 2, column 1.
  expect(first[4 * 9 + 2 * 3 + 1]).toBe(weights[(2 * 3 + 1) * 6 + 4]);
  expect(rowsOf(source)).toEqual([
    'nn.Unflatten(1, (1, 11)), nn.Conv2d(1, 6, 3, stride=2, padding=1), nn.ReLU(),',
    'nn.MaxPool2d(2, stride=1), nn.Tanh(),',
    'nn.Conv2d(6, 5, 2), nn.Flatten(), nn.LeakyReLU(0.1), nn.BatchNorm1d(60), nn.ReLU(),',
    'nn.Linear(60, 4),',
  ]);
  // The vector has 4 x 3 positions and 5 channels. Its value 2 is position 2 of channel 0.
  const [scale, last] = ['8.weight', '10.weight'].map((name) => tensors.find((each) => each.name === name)!);
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
