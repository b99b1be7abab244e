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

test('a name with quotes stays a text of Python', () => {
  const { mlp } = models;
  const exported = { ...exportedOf(mlp, someWeights(mlp)), name: 'a """ and a \\' };
  expect(pytorchModel(exported, 'w').source.split('\n')[0]).toMatch(/^"""a \\"\\"\\" and a \\\\: a network/);
});
