/** Tests the pictures of a first layer: each weight where its pixel is, blue if positive, red if negative. */
import { expect, test } from 'vitest';
import { pictured, weightColours, weightsSheet } from '../../../coordinator/picture/weights-sheet.js';
import type { Model } from '../../../shared/model/model.js';
import { parameterCount } from '../../../shared/model/parameters.js';

const model = (input: Model['input']): Model => ({
  input,
  layers: [
    { dense: 5, activation: 'sigmoid' },
    { dense: 2, activation: 'sigmoid' },
  ],
  loss: 'quadratic',
});

test('a weight is where its pixel is, in the tile of its unit', () => {
  const weights = new Float32Array(parameterCount(model([3, 2])));
  // Unit 4 is the first of the second row of tiles. Row y and column x of a picture is row 2 y + x of the tensor.
  weights[(2 * 2 + 1) * 5 + 4] = 0.5;
  weights[(2 * 1 + 0) * 5 + 0] = -0.5;
  const { width, height, pixels, full } = weightsSheet(model([3, 2]), weights);
  expect([width, height, full]).toEqual([6 + 4 * (2 * 4 + 6), 6 + 2 * (3 * 4 + 6), 0.5]);
  const at = (x: number, y: number) => [...pixels.subarray(3 * (y * width + x), 3 * (y * width + x) + 3)];
  expect(at(6 + 4, 6 + 18 + 8)).toEqual(weightColours.positive);
  expect(at(6 + 3, 6 + 4)).toEqual(weightColours.negative);
  expect(at(6 + 4, 6 + 4)).toEqual(weightColours.zero);
});

test('only grey images have pictures of weights', () => {
  expect([[3, 2], [3, 2, 1], [3, 2, 3], [6]].map((input) => pictured(model(input)))).toEqual([5, 5, 0, 0]);
});
