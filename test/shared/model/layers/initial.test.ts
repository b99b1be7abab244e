import { describe, expect, it } from 'vitest';
import { invalidModel } from '../../../../shared/model/description.js';
import { initialWeights } from '../../../../shared/model/initialise.js';
import type { DenseDescription } from '../../../../shared/model/layers/dense.js';
import { drawWeights } from '../../../../shared/model/layers/initial.js';
import type { Model } from '../../../../shared/model/model.js';
import { Random } from '../../../../shared/random.js';

const model = (layer: DenseDescription): Model => ({
  input: [8],
  layers: [layer, { dense: 2, activation: 'linear' }],
  loss: 'softmaxCrossEntropy',
});

/** The first weights of a model that begins with this layer. */
const weightsOf = (layer: DenseDescription) => [...initialWeights(model(layer), 3)];

describe('the first weights of a dense layer', () => {
  it('suit its activation by default: he before a relu, else glorot', () => {
    for (const activation of ['relu', 'linear', 'sigmoid', 'tanh'] as const) {
      const [suits, other] = activation === 'relu' ? (['he', 'glorot'] as const) : (['glorot', 'he'] as const);
      expect(weightsOf({ dense: 4, activation, initial: suits })).toEqual(weightsOf({ dense: 4, activation }));
      expect(weightsOf({ dense: 4, activation, initial: other })).not.toEqual(weightsOf({ dense: 4, activation }));
    }
  });

  it('are drawn by a rule that is known', () => {
    const layer = { dense: 4, activation: 'relu', initial: 'normal' } as unknown as DenseDescription;
    expect(invalidModel(model(layer))).toBe('model.layers[0].initial must be one of "he", "glorot"');
    expect(invalidModel(model({ dense: 4, activation: 'relu', initial: 'glorot' }))).toBeNull();
  });
});

describe('drawn weights', () => {
  /** The bound, and the largest of many weights. */
  const cases: [Parameters<typeof drawWeights>[1], number][] = [
    ['he', Math.sqrt(6 / 75)],
    ['glorot', Math.sqrt(6 / (75 + 800))],
  ];
  it.each(cases)('are uniform within the bound: %s', (initial, bound) => {
    const weights = new Float32Array(10_000);
    drawWeights(weights, initial, 75, 800, new Random(1));
    const largest = weights.reduce((max, w) => Math.max(max, Math.abs(w)), 0);
    expect(largest).toBeLessThanOrEqual(Math.fround(bound));
    expect(largest).toBeGreaterThan(0.999 * bound);
    // The variance of a uniform distribution is a third of the squared bound.
    const variance = weights.reduce((sum, w) => sum + w * w, 0) / weights.length;
    expect(variance / ((bound * bound) / 3)).toBeCloseTo(1, 1);
  });
});
