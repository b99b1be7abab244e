import { expect, test } from 'vitest';
import { parseWeights } from '../../../coordinator/page/weights.js';
import { withCertainties } from '../../../shared/model/certainty.js';
import { chainOf } from '../../../shared/model/chain.js';
import { Classifier } from '../../../shared/model/classifier.js';
import { parameterCount } from '../../../shared/model/parameters.js';
import { presets } from '../../../shared/model/presets.js';
import { webAssembly } from '../../shared/arithmetic/backends.js';
import { randomSamples, randomWeights } from '../../shared/model/fixture.js';
import { ExactNetwork } from '../../shared/model/float64.js';

for (const [name, { model }] of Object.entries(presets)) {
  test(`every layer of ${name} is what its formula says`, () => {
    const classifier = new Classifier(webAssembly, model);
    const weights = randomWeights(model, 3);
    classifier.setWeights(17, weights);
    const samples = randomSamples(model, 1, 5);
    const { images } = samples;
    const { step, layers, answer } = withCertainties(classifier.classify(images), model.loss);
    expect(classifier.answerTo(images)).toBe(answer);
    expect(step).toBe(17);
    expect(layers.map(({ length }) => length)).toEqual(chainOf(model).map(({ width }) => width));

    layers.forEach((values, n) => {
      // ExactNetwork makes training passes. Dropout does nothing in any other.
      const part = { ...model, layers: model.layers.slice(0, n + 1).filter((layer) => !('dropout' in layer)) };
      const { y } = new ExactNetwork(part).outputs(Float64Array.from(weights), samples)[0];
      const isSoftmax = n === layers.length - 1 && model.loss === 'softmaxCrossEntropy';
      const total = y.reduce((sum, score) => sum + Math.exp(score), 0);
      const wanted = isSoftmax ? y.map((score) => Math.exp(score) / total) : y;
      values.forEach((value, o) => {
        expect(value).toBeCloseTo(wanted[o], 3);
      });
    });

    const outputs = [...layers[layers.length - 1]];
    expect(answer).toBe(outputs.indexOf(Math.max(...outputs)));
    if (model.loss === 'softmaxCrossEntropy') expect(outputs.reduce((a, b) => a + b)).toBeCloseTo(1);
  });
}

test('weights are taken only if they are for the model', () => {
  const parameters = parameterCount(presets['sigmoid-16'].model);
  const bytes = new Uint8Array(8 + 4 * parameters);
  new Uint32Array(bytes.buffer, 0, 2).set([99, parameters]);
  new Float32Array(bytes.buffer, 8).fill(0.5);
  const weights = parseWeights(bytes.buffer, parameters);
  expect(weights?.step).toBe(99);
  expect(weights?.floats[parameters - 1]).toBe(0.5);
  expect(parseWeights(bytes.buffer, parameters + 1)).toBeNull();
  expect(parseWeights(bytes.buffer.slice(0, 5), parameters)).toBeNull();
  new Uint32Array(bytes.buffer, 0, 2).set([99, 7]);
  expect(parseWeights(bytes.buffer, parameters)).toBeNull();
});
