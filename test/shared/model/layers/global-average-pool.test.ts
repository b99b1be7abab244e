import { describe, expect, it } from 'vitest';
import { invalidModel } from '../../../../shared/model/description.js';
import { elements, type Shape } from '../../../../shared/model/layers/layer.js';
import { buildLayer } from '../../../../shared/model/layers/layers.js';
import { bits } from '../fixture.js';
import { expectExactGradient } from '../float64.js';
import { numbers, passThrough } from './fixture.js';

const f = Math.fround;
const globalAveragePool = { globalAveragePool: true } as const;

describe('globalAveragePool', () => {
  it.each([[[4, 6, 3]], [[5, 3]], [[1, 1, 7]]] as [Shape][])('has one mean for each channel of %j', (input) => {
    const rows = 3;
    const [positions, channels] = [input[0] * input[1], input[2] ?? 1];
    const [x, delta] = [numbers(rows * elements(input), 1), numbers(rows * channels, 2)];
    const y = delta.map((_, o) => {
      const [r, c] = [Math.floor(o / channels), o % channels];
      let sum = 0;
      for (let p = 0; p < positions; p++) sum = f(sum + x[(r * positions + p) * channels + c]);
      return sum / positions;
    });
    const deltaIn = x.map(
      (_, i) => delta[Math.floor(i / positions / channels) * channels + (i % channels)] / positions,
    );
    const passed = passThrough(globalAveragePool, input, x, { delta });
    expect(bits(passed.y)).toEqual(bits(y));
    expect(bits(passed.deltaIn)).toEqual(bits(deltaIn));
    expect(buildLayer(globalAveragePool, input).output).toEqual([channels]);
  });

  it('has the gradient of the loss', () => {
    expectExactGradient({
      input: [3, 4, 2],
      layers: [{ batchNorm: 0.001, activation: 'tanh' }, globalAveragePool, { dense: 4, activation: 'linear' }],
      loss: 'softmaxCrossEntropy',
    });
  });

  it('refuses an input that is no image', () => {
    const layers = [{ dense: 9, activation: 'relu' }, globalAveragePool];
    expect(invalidModel({ input: [3, 5], layers, loss: 'quadratic' })).toBe(
      'model.layers[1] (globalAveragePool) takes images of [height, width, channels], but its input is [9]',
    );
  });
});
