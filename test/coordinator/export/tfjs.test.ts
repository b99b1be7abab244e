/** Tests what the files for TensorFlow.js say. In test/exports, TensorFlow.js itself loads them. */
import { expect, test } from 'vitest';
import { tfjsTopology } from '../../../coordinator/export/tfjs.js';
import { tensorSpans } from '../../../shared/model/parameters.js';
import { models, someWeights } from '../../exports/models.js';
import { exportedOf } from './fixture.js';

interface Topology {
  readonly modelTopology: { readonly config: { readonly layers: { class_name: string; config: { name: string } }[] } };
  readonly weightsManifest: [{ paths: string[]; weights: { name: string; shape: number[] }[] }];
}

test('a dense network is a chain of known layers', () => {
  const { mlp } = models;
  const { modelTopology, weightsManifest } = tfjsTopology(
    exportedOf(mlp, someWeights(mlp)),
    'w.bin',
  ) as never as Topology;
  expect(modelTopology.config.layers).toEqual([
    { class_name: 'Flatten', config: { name: 'flatten_0', batch_input_shape: [null, 28, 28], dtype: 'float32' } },
    { class_name: 'Dense', config: { name: 'dense_0', units: 128, activation: 'relu', use_bias: true } },
    { class_name: 'Dense', config: { name: 'dense_1', units: 10, activation: 'linear', use_bias: true } },
    { class_name: 'Activation', config: { name: 'activation_2', activation: 'softmax' } },
  ]);
  expect(weightsManifest[0].paths).toEqual(['w.bin']);
  expect(weightsManifest[0].weights.map(({ name }) => name)).toEqual([
    'dense_0/kernel',
    'dense_0/bias',
    'dense_1/kernel',
    'dense_1/bias',
  ]);
});

test.each(Object.entries(models))(
  '%s: the weights lie in the file as in the flat vector; names are unique',
  (_, model) => {
    const exported = exportedOf(model, someWeights(model));
    const { modelTopology, weightsManifest } = tfjsTopology(exported, 'w.bin') as never as Topology;
    expect(weightsManifest[0].weights.map(({ shape }) => shape)).toEqual(tensorSpans(model).map(({ shape }) => shape));
    const names = modelTopology.config.layers.map(({ config }) => config.name);
    expect(new Set(names).size).toBe(names.length);
  },
);
