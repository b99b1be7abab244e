import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { LockstepError } from '../../../shared/errors.js';
import { chainOf } from '../../../shared/model/chain.js';
import { invalidModel } from '../../../shared/model/description.js';
import { initialWeights } from '../../../shared/model/initialise.js';
import type { Model } from '../../../shared/model/model.js';
import { outputWidth, parameterCount, partialFloats, tensorSpans } from '../../../shared/model/parameters.js';
import { findPreset, presetModel, presets } from '../../../shared/model/presets.js';

const model: Model = {
  input: [2, 3],
  layers: [
    { dense: 4, activation: 'relu' },
    { dense: 5, activation: 'tanh' },
    { dense: 3, activation: 'linear' },
  ],
  loss: 'softmaxCrossEntropy',
};

describe('the flat vector', () => {
  it('holds weight and bias of each layer in declaration order, without gaps', () => {
    expect(tensorSpans(model)).toEqual([
      { name: 'layers.0.weight', shape: [6, 4], offset: 0 },
      { name: 'layers.0.bias', shape: [4], offset: 24 },
      { name: 'layers.1.weight', shape: [4, 5], offset: 28 },
      { name: 'layers.1.bias', shape: [5], offset: 48 },
      { name: 'layers.2.weight', shape: [5, 3], offset: 53 },
      { name: 'layers.2.bias', shape: [3], offset: 68 },
    ]);
    expect(parameterCount(model)).toBe(71);
    expect(partialFloats(model)).toBe(73);
  });

  it('is cut into the layers of the chain', () => {
    const links = chainOf(model).map(({ offset, parameters, width, transposedAt }) => [
      offset,
      parameters,
      width,
      transposedAt,
    ]);
    expect(links).toEqual([
      [0, 28, 4, 0],
      [28, 25, 5, 0],
      [53, 18, 3, 20],
    ]);
  });
});

describe('presets', () => {
  it('have the parameter counts that their descriptions promise', () => {
    expect(parameterCount(presets['sigmoid-16'].model)).toBe(13_002);
    expect(parameterCount(presets['sigmoid-100'].model)).toBe(89_610);
    expect(parameterCount(presets.mlp.model)).toBe(101_770);
    expect(parameterCount(presets.softmax.model)).toBe(7_850);
    expect(parameterCount(presets['cnn-small'].model)).toBe(15_578);
    expect(parameterCount(presets.lenet5.model)).toBe(61_706);
    expect(parameterCount(presets.cnn.model)).toBe(184_586);
  });

  it.each(Object.entries(presets))('%s is valid, and made for MNIST', (name, preset) => {
    expect(invalidModel(preset.model)).toBeNull();
    expect(presetModel(name, [28, 28], 10)).toEqual(preset.model);
  });

  it('follow the data set in the input and the last layer', () => {
    const adapted = presetModel('sigmoid-16', [8, 8], 26);
    expect(adapted.input).toEqual([8, 8]);
    expect(chainOf(adapted).map(({ width }) => width)).toEqual([16, 16, 26]);
    expect(outputWidth(presets['sigmoid-16'].model)).toBe(10);
    expect(() => presetModel('lenet5', [4, 4], 10)).toThrow(/^the preset lenet5 does not suit this data set: /);
  });

  it('refuse an unknown name, and images that no model takes', () => {
    const usage = new LockstepError(
      'usage',
      'there is no preset "toString": use one of mlp, sigmoid-16, sigmoid-100, softmax, cnn-small, lenet5, cnn, or a model file',
    );
    expect(() => findPreset('toString')).toThrow(usage);
    expect(() => presetModel('mlp', [1000, 1000], 10)).toThrow(
      /^the preset mlp does not suit this data set: model.input has 1000000/,
    );
  });
});

describe('initialWeights', () => {
  it('is uniform within the bound of each layer, with zero biases', () => {
    const large: Model = { ...model, input: [28, 28], layers: [{ dense: 128, activation: 'relu' }, model.layers[2]] };
    const weights = initialWeights(large, 3);
    const bounds = [Math.sqrt(6 / 784), Math.sqrt(6 / (128 + 3))];
    for (const [n, { offset, parameters, width }] of chainOf(large).entries()) {
      const biasAt = offset + parameters - width;
      const w = weights.subarray(offset, biasAt);
      const largest = w.reduce((max, x) => Math.max(max, Math.abs(x)), 0);
      const mean = w.reduce((sum, x) => sum + x, 0) / w.length;
      const variance = w.reduce((sum, x) => sum + x * x, 0) / w.length;
      expect(largest).toBeLessThanOrEqual(Math.fround(bounds[n]));
      expect(largest).toBeGreaterThan(0.95 * bounds[n]);
      expect(Math.abs(mean)).toBeLessThan((4 * bounds[n]) / Math.sqrt(3 * w.length));
      expect(Math.abs((3 * variance) / bounds[n] ** 2 - 1)).toBeLessThan(4 / Math.sqrt(w.length));
      expect([...weights.subarray(biasAt, biasAt + width)]).toEqual(new Array(width).fill(0));
    }
  });

  it('gives each layer and each seed numbers of its own', () => {
    const twins: Model = { ...model, input: [4], layers: [4, 4].map((dense) => ({ dense, activation: 'tanh' })) };
    const weights = initialWeights(twins, 1);
    expect(weights.subarray(0, 16)).not.toEqual(weights.subarray(20, 36));
    expect(weights).toEqual(initialWeights(twins, 1));
    expect(weights).not.toEqual(initialWeights(twins, 2));
  });

  it('is pinned: the first weights of every run', () => {
    const hash = (of: Model) =>
      createHash('sha256')
        .update(new Uint8Array(initialWeights(of, 1).buffer))
        .digest('hex');
    expect(hash(presets.mlp.model)).toBe('f356aca856287b6ea26e141328a640fd7c93fc86cf8bc6a31e15e3cfa61931d3');
    expect(hash(presets['sigmoid-16'].model)).toBe('affc23fe9a018cccca3723df67b674c1375d033accfc8e144385355e907bfff7');
  });
});
