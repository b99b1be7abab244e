import { describe, expect, it } from 'vitest';
import { invalidModel } from '../../../../shared/model/description.js';
import type { Shape } from '../../../../shared/model/layers/layer.js';
import { bits } from '../fixture.js';
import { expectExactGradient } from '../float64.js';
import { numbers, passThrough, windowsOf } from './fixture.js';

const f = Math.fround;

/** Rows, shape of the input, size of a window, stride. */
const cases: [number, Shape, number, number][] = [
  [3, [4, 6, 3], 2, 2],
  [2, [7, 8, 2], 3, 2],
  [2, [5, 5], 2, 3],
  [1, [3, 4, 7], 1, 1],
  [1, [9, 7, 1], 3, 1],
  [2, [20, 21, 2], 19, 1],
];

describe('averagePool', () => {
  it.each(cases)('divides the sum of each window, and shares its gradient: %j', (rows, input, size, stride) => {
    const windows = windowsOf(rows, input, size, stride);
    const x = numbers(rows * input.reduce((a, b) => a * b), 1);
    const delta = numbers(windows.length, 2);
    delta[0] = -0;
    const deltaIn = new Float32Array(x.length);
    const y = windows.map((window, o) => {
      for (const i of window) deltaIn[i] = f(deltaIn[i] + f(delta[o] / (size * size)));
      return f(window.reduce((sum, i) => f(sum + x[i]), 0) / (size * size));
    });
    const passed = passThrough({ averagePool: size, stride }, input, x, { delta });
    expect(bits(passed.y)).toEqual(bits(Float32Array.from(y)));
    expect(bits(passed.deltaIn)).toEqual(bits(deltaIn));
  });

  it('has windows that touch if no stride is given, and an activation if one is given', () => {
    const x = numbers(2 * 36, 3);
    const { y } = passThrough({ averagePool: 2, stride: 2 }, [6, 6], x);
    expect(bits(passThrough({ averagePool: 2 }, [6, 6], x).y)).toEqual(bits(y));
    const relu = passThrough({ averagePool: 2, activation: 'relu' }, [6, 6], x);
    expect(bits(relu.y)).toEqual(bits(y.map((v) => (v > 0 ? v : 0))));
  });

  it('has the gradient of the loss', () => {
    expectExactGradient({
      input: [5, 5],
      layers: [
        { batchNorm: 0.001, activation: 'tanh' },
        { averagePool: 2, stride: 1, activation: 'sigmoid' },
        { dense: 4, activation: 'linear' },
      ],
      loss: 'softmaxCrossEntropy',
    });
  });

  it('refuses windows that are larger than the image', () => {
    expect(invalidModel({ input: [3, 5, 2], layers: [{ averagePool: 4 }], loss: 'quadratic' })).toBe(
      'model.layers[0] (averagePool) has windows of 4 x 4, which do not fit into its input of [3, 5, 2]',
    );
  });
});
