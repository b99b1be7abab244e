import { describe, expect, it } from 'vitest';
import { invalidModel } from '../../../../shared/model/description.js';
import type { Shape } from '../../../../shared/model/layers/layer.js';
import { bits } from '../fixture.js';
import { expectExactGradient } from '../float64.js';
import { numbers, passThrough, windowsOf } from './fixture.js';

/** Rows, shape of the input, size of a window, stride. */
const cases: [number, Shape, number, number][] = [
  [3, [4, 6, 3], 2, 2],
  [2, [7, 8, 2], 3, 2],
  [2, [5, 5], 2, 3],
  [1, [3, 4, 7], 1, 1],
  [2, [4, 4, 5], 4, 1],
  [1, [9, 7, 1], 3, 1],
  [2, [16, 17, 2], 16, 1],
];

describe('maxPool', () => {
  it.each(cases)('takes the first of the largest values of a window, and gives it the gradient: %j', (...sizes) => {
    const [rows, input, size, stride] = sizes;
    const windows = windowsOf(rows, input, size, stride);
    // Many of the values are equal.
    const x = numbers(rows * input.reduce((a, b) => a * b), 1, 2);
    const delta = numbers(windows.length, 2);
    delta[0] = -0;
    const deltaIn = new Float32Array(x.length);
    const y = windows.map((window, o) => {
      const largest = Math.max(...window.map((i) => x[i]));
      const winner = window.find((i) => x[i] === largest)!;
      deltaIn[winner] = Math.fround(deltaIn[winner] + delta[o]);
      return x[winner];
    });
    const passed = passThrough({ maxPool: size, stride }, input, x, { delta });
    expect(bits(passed.y)).toEqual(bits(Float32Array.from(y)));
    expect(bits(passed.deltaIn)).toEqual(bits(deltaIn));
  });

  it('has windows that touch if no stride is given, and an activation if one is given', () => {
    const x = numbers(2 * 36, 3);
    const { y } = passThrough({ maxPool: 2, stride: 2 }, [6, 6], x);
    expect(bits(passThrough({ maxPool: 2 }, [6, 6], x).y)).toEqual(bits(y));
    const relu = passThrough(
      { maxPool: 2, activation: 'relu' },
      [6, 6],
      x.map(Math.abs).map((v) => v - 1),
    );
    expect(relu.y.some((v) => v === 0)).toBe(true);
    expect(bits(relu.y)).toEqual(
      bits(
        passThrough(
          { maxPool: 2 },
          [6, 6],
          x.map(Math.abs).map((v) => v - 1),
        ).y.map((v) => (v > 0 ? v : 0)),
      ),
    );
  });

  it('does not stop at values that are no numbers', () => {
    const x = new Float32Array(16).fill(Number.NaN);
    expect(passThrough({ maxPool: 2 }, [4, 4], x, { delta: new Float32Array(4) }).y[0]).toBeNaN();
  });

  it.each([1, 2])('has the gradient of the loss: stride %i', (stride) => {
    expectExactGradient({
      input: [5, 5],
      layers: [{ batchNorm: 0.001 }, { maxPool: 2, stride, activation: 'tanh' }, { dense: 4, activation: 'linear' }],
      loss: 'softmaxCrossEntropy',
    });
  });

  const faults: [object, string][] = [
    [{ maxPool: 17 }, 'model.layers[0].maxPool must be a whole number from 1 to 16'],
    [{ maxPool: 2, stride: 0 }, 'model.layers[0].stride must be a whole number from 1 to 64'],
    [
      { maxPool: 2, activation: 'max' },
      'model.layers[0].activation must be one of "linear", "sigmoid", "tanh", "relu"',
    ],
    [{ maxPool: 4 }, 'model.layers[0] (maxPool) has windows of 4 x 4, which do not fit into its input of [3, 5]'],
  ];
  it.each(faults)('refuses %j', (layer, sentence) => {
    expect(invalidModel({ input: [3, 5], layers: [layer], loss: 'quadratic' })).toBe(sentence);
  });

  it('refuses an input that is no image', () => {
    const layers = [{ dense: 9, activation: 'relu' }, { maxPool: 2 }];
    expect(invalidModel({ input: [3, 5], layers, loss: 'quadratic' })).toBe(
      'model.layers[1] (maxPool) takes images of [height, width, channels], but its input is [9]',
    );
  });
});
