import { expect, it } from 'vitest';
import { normalised, plain } from '../../../shared/data/convention.js';
import { LockstepError } from '../../../shared/errors.js';

/** Two images of 2 rows and 3 columns, stored column by column. */
function stored(labels: readonly number[]) {
  const images = Uint8Array.from([11, 21, 12, 22, 13, 23, 51, 61, 52, 62, 53, 63]);
  return { count: 2, shape: [3, 2], images, labels: Uint8Array.from(labels) };
}

it('puts transposed images upright', () => {
  const { shape, images } = normalised(stored([0, 1]), { isTransposed: true, firstLabel: 0 }, 'labels');
  expect(shape).toEqual([2, 3]);
  expect([...images]).toEqual([11, 12, 13, 21, 22, 23, 51, 52, 53, 61, 62, 63]);
});

it('counts labels from 0', () => {
  const { labels, images } = normalised(stored([1, 26]), { isTransposed: false, firstLabel: 1 }, 'labels');
  expect([...labels]).toEqual([0, 25]);
  expect(images).toEqual(stored([1, 26]).images);
});

it('refuses a label below the first', () => {
  const refuse = () => normalised(stored([1, 0]), { isTransposed: true, firstLabel: 1 }, 'some-labels');
  expect(refuse).toThrow(LockstepError);
  expect(refuse).toThrow('some-labels: label 1 is 0, but this data set counts its classes from 1');
});

it('leaves samples alone that are stored like those of MNIST', () => {
  expect(normalised(stored([0, 1]), plain, 'labels')).toEqual(stored([0, 1]));
});
