/** Tests ONNX files with a reader and an interpreter of the test's own, against the kernels that train. */
import { describe, expect, test } from 'vitest';
import { onnxFile } from '../../../coordinator/export/onnx.js';
import { kindOf, layerNames } from '../../../shared/model/layers/layers.js';
import type { Model } from '../../../shared/model/model.js';
import { inputWidth } from '../../../shared/model/parameters.js';
import { largestDifference, outputsOf } from '../../exports/expected.js';
import { models, someWeights } from '../../exports/models.js';
import { randomSamples } from '../../shared/model/fixture.js';
import { exportedOf } from './fixture.js';
import { readOnnx, runOnnx } from './onnx-runner.js';

const samples = 3;

function graphOf(model: Model, weights: Float32Array) {
  return readOnnx(Buffer.concat(onnxFile(exportedOf(model, weights))));
}

describe.each(Object.entries(models))('%s', (_, model) => {
  const weights = someWeights(model);
  const graph = graphOf(model, weights);

  test('computes what the kernels compute', () => {
    const { images } = randomSamples(model, samples, 5);
    const pixels = { shape: [samples, ...model.input], data: Float64Array.from(images, (byte) => byte / 255) };
    const values = runOnnx(graph, { pixels });
    const expected = outputsOf(model, weights, images);
    for (const name of ['scores', 'probabilities'] as const) {
      expect(largestDifference(values.get(name)!.data, expected[name])).toBeLessThan(1e-5);
    }
  });

  test('says the shapes of its input and its outputs', () => {
    const outputs = outputsOf(model, weights, new Uint8Array(inputWidth(model))).scores.length;
    expect(graph.inputs).toEqual([{ name: 'pixels', shape: ['N', ...model.input] }]);
    expect(graph.outputs).toEqual(['scores', 'probabilities'].map((name) => ({ name, shape: ['N', outputs] })));
  });
});

test('the models of these tests have every kind of layer', () => {
  const kinds = new Set(Object.values(models).flatMap(({ layers }) => layers.map(kindOf)));
  expect([...kinds].sort()).toEqual([...layerNames].sort());
});

test('weights have the names of the tensors, and those of dense layers their order', () => {
  const { mlp } = models;
  const weights = someWeights(mlp);
  const { constants, operatorsVersion, metadata } = graphOf(mlp, weights);
  expect([...constants.keys()].filter((name) => /weight|bias/.test(name))).toEqual([
    'layers.0.weight',
    'layers.0.bias',
    'layers.1.weight',
    'layers.1.bias',
  ]);
  expect(constants.get('layers.0.weight')).toEqual({
    shape: [784, 128],
    data: Float64Array.from(weights.subarray(0, 784 * 128)),
  });
  expect(operatorsVersion).toBe(13);
  expect(JSON.parse(metadata.model)).toEqual(mlp);
  expect(metadata.weightsSha256).toMatch(/^[0-9a-f]{64}$/);
});

test('long messages have their lengths in several bytes', () => {
  const wide: Model = { input: [300], layers: [{ dense: 200, activation: 'linear' }], loss: 'quadratic' };
  const { constants } = graphOf(wide, someWeights(wide));
  expect(constants.get('layers.0.weight')?.shape).toEqual([300, 200]);
});
