import { describe, expect, it } from 'vitest';
import { invalidModel } from '../../../../shared/model/description.js';
import { buildLayer } from '../../../../shared/model/layers/layers.js';
import { bits } from '../fixture.js';
import { expectExactGradient } from '../float64.js';
import { numbers, passThrough } from './fixture.js';

const flatten = { flatten: true } as const;

describe('flatten', () => {
  it('makes one row of an image, and changes no value', () => {
    const [x, delta] = [numbers(48, 1), numbers(48, 2)];
    const { y, deltaIn } = passThrough(flatten, [2, 4, 3], x, { delta });
    expect(bits(y)).toEqual(bits(x));
    expect(bits(deltaIn)).toEqual(bits(delta));
    expect(buildLayer(flatten, [2, 4, 3]).output).toEqual([24]);
  });

  it('leaves the gradient to the layer before', () => {
    const dense = { dense: 4, activation: 'linear' } as const;
    const layers = [{ dense: 5, activation: 'tanh' } as const, flatten, dense];
    expectExactGradient({ input: [3, 4], layers, loss: 'softmaxCrossEntropy' });
  });

  it('refuses anything but true', () => {
    expect(invalidModel({ input: [4], layers: [{ flatten: false }], loss: 'quadratic' })).toBe(
      'model.layers[0].flatten must be true',
    );
  });
});
