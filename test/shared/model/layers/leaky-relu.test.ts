import { describe, expect, it } from 'vitest';
import { invalidModel } from '../../../../shared/model/description.js';
import { bits } from '../fixture.js';
import { expectExactGradient } from '../float64.js';
import { numbers, passThrough } from './fixture.js';

describe('leakyRelu', () => {
  it.each([0, 0.01, 0.3, 1])('has the slope %d below 0, and at 0', (slope) => {
    const [x, delta] = [numbers(40, 1), numbers(40, 2)];
    x.set([0, -0]);
    const at = (values: Float32Array) => values.map((v, i) => (x[i] > 0 ? v : Math.fround(slope) * v));
    const { y, deltaIn } = passThrough({ leakyRelu: slope }, [4, 5], x, { delta });
    expect(bits(y)).toEqual(bits(at(x)));
    expect(bits(deltaIn)).toEqual(bits(at(delta)));
  });

  it('has the gradient of the loss', () => {
    expectExactGradient({
      input: [3, 4],
      layers: [{ dense: 6, activation: 'linear' }, { leakyRelu: 0.2 }, { dense: 4, activation: 'linear' }],
      loss: 'softmaxCrossEntropy',
    });
  });

  it('refuses a slope that is steeper than the other side', () => {
    expect(invalidModel({ input: [4], layers: [{ leakyRelu: 1.5 }], loss: 'quadratic' })).toBe(
      'model.layers[0].leakyRelu must be a number from 0 to 1',
    );
  });
});
