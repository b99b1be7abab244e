import { describe, expect, it } from 'vitest';
import { LockstepError } from '../../../shared/errors.js';
import { invalidModel, misfit, parseModel } from '../../../shared/model/description.js';
import { layerNames } from '../../../shared/model/layers/layers.js';
import type { Model } from '../../../shared/model/model.js';

const valid: Model = {
  input: [28, 28],
  layers: [
    { dense: 128, activation: 'relu' },
    { dense: 10, activation: 'linear' },
  ],
  loss: 'softmaxCrossEntropy',
};

const layers = (...list: unknown[]) => ({ ...valid, layers: list });

describe('invalidModel', () => {
  it('accepts every loss with a linear last layer, and quadratic with any', () => {
    for (const loss of ['quadratic', 'sigmoidCrossEntropy', 'softmaxCrossEntropy'] as const) {
      expect(invalidModel({ ...valid, loss })).toBeNull();
    }
    for (const activation of ['linear', 'sigmoid', 'tanh', 'relu'] as const) {
      expect(invalidModel({ input: [4], layers: [{ dense: 2, activation }], loss: 'quadratic' })).toBeNull();
    }
  });

  const noKind = `model.layers[0] must be an object with a field that names the kind of layer: ${layerNames.join(', ')}`;
  const cases: [unknown, string][] = [
    [null, 'model must be an object with input, layers, loss'],
    [[], 'model must be an object with input, layers, loss'],
    ['mlp', 'model must be an object with input, layers, loss'],
    [{ input: [28, 28], layers: valid.layers }, 'model lacks loss'],
    [Object.create(valid), 'model lacks input'],
    [{ ...valid, rate: 1 }, 'model has an unknown field "rate": it may have input, layers, loss'],
    [
      JSON.parse(`{"__proto__": 1, ${JSON.stringify(valid).slice(1)}`),
      'model has an unknown field "__proto__": it may have input, layers, loss',
    ],
    [{ ...valid, input: 784 }, 'model.input must be a list of 1 to 8 elements'],
    [{ ...valid, input: [] }, 'model.input must be a list of 1 to 8 elements'],
    [{ ...valid, input: [28, '28'] }, 'model.input[1] must be a whole number from 1 to 65536'],
    [{ ...valid, input: [28, 0] }, 'model.input[1] must be a whole number from 1 to 65536'],
    [{ ...valid, input: [1000, 1000] }, 'model.input has 1000000 pixels, more than 65536'],
    [layers(), 'model.layers must be a list of 1 to 64 elements'],
    [layers(...new Array(65).fill(valid.layers[1])), 'model.layers must be a list of 1 to 64 elements'],
    [layers(7), noKind],
    [layers({ densely: 7 }), noKind],
    [layers({ dense: 10 }), 'model.layers[0] lacks activation'],
    [
      layers(valid.layers[0], { dense: 10, activation: 'linear', bias: false }),
      'model.layers[1] has an unknown field "bias": it may have dense, activation, initial',
    ],
    [layers({ dense: 1.5, activation: 'relu' }), 'model.layers[0].dense must be a whole number from 1 to 65536'],
    [layers({ dense: 70_000, activation: 'relu' }, {}), 'model.layers[0].dense must be a whole number from 1 to 65536'],
    [layers({ dense: 300, activation: 'linear' }), 'model.layers ends with 300 outputs, more than 256'],
    [
      layers({ dense: 10, activation: 'toString' }),
      'model.layers[0].activation must be one of "linear", "sigmoid", "tanh", "relu"',
    ],
    [
      { ...valid, loss: 'hinge' },
      'model.loss must be one of "quadratic", "sigmoidCrossEntropy", "softmaxCrossEntropy"',
    ],
    [
      layers({ dense: 10, activation: 'sigmoid' }),
      'model.layers[0].activation is "sigmoid", but loss "softmaxCrossEntropy" takes raw scores: use "linear"',
    ],
    [
      layers({ dense: 60_000, activation: 'relu' }, { dense: 10, activation: 'linear' }),
      'model has 47700010 parameters, more than 15000000: use narrower layers',
    ],
  ];
  it.each(cases)('%#: %j', (x, sentence) => {
    expect(invalidModel(x)).toBe(sentence);
  });
});

describe('parseModel', () => {
  const faultOf = (text: string): LockstepError => {
    try {
      parseModel(text, 'net.json');
    } catch (error) {
      if (error instanceof LockstepError) return error;
    }
    throw new Error('not refused');
  };

  it('returns the model', () => {
    expect(parseModel(JSON.stringify(valid), 'net.json')).toEqual(valid);
  });

  it('names the file, the fault, and what a model looks like', () => {
    const texts = ['{', '{}', 'x'.repeat(70_000)];
    for (const fault of texts.map(faultOf)) {
      expect(fault.code).toBe('model-invalid');
      expect(fault.message).toMatch(/^net\.json is not .*"softmaxCrossEntropy"\}\.$/s);
      expect(fault.message.length).toBeLessThan(400);
    }
    expect(faultOf('{}').message).toContain('model lacks input');
  });

  it('does not quote what would command a terminal', () => {
    expect(faultOf('\x1b[2J').message).toMatch(/^net\.json is not JSON: [\x20-\x7e]+$/);
  });
});

describe('misfit', () => {
  it('compares the sample shape and the classes', () => {
    expect(misfit(valid, [28, 28], 10)).toBeNull();
    expect(misfit(valid, [28, 28], 9)).toBeNull();
    expect(misfit(valid, [8, 8], 10)).toBe("the model takes samples of shape [28, 28], but the data set's are [8, 8]");
    expect(misfit(valid, [28, 28], 26)).toBe("the model's last layer has 10 outputs, but the data set has 26 classes");
  });
});
