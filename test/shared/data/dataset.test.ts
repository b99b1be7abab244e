import { expect, it } from 'vitest';
import { holdOut } from '../../../shared/data/dataset.js';

const samples = {
  count: 5,
  shape: [2],
  images: Uint8Array.of(0, 1, 10, 11, 20, 21, 30, 31, 40, 41),
  labels: Uint8Array.of(5, 6, 7, 8, 9),
};

it('the last samples of a training set are held out, in their order', () => {
  const { train, validation } = holdOut(samples, 2);
  expect(train).toEqual({
    count: 3,
    shape: [2],
    images: Uint8Array.of(0, 1, 10, 11, 20, 21),
    labels: Uint8Array.of(5, 6, 7),
  });
  expect(validation).toEqual({
    count: 2,
    shape: [2],
    images: Uint8Array.of(30, 31, 40, 41),
    labels: Uint8Array.of(8, 9),
  });
});

it('a training set of which none are held out is whole', () => {
  const { train, validation } = holdOut(samples, 0);
  expect(train).toEqual(samples);
  expect(validation).toMatchObject({ count: 0, images: new Uint8Array(), labels: new Uint8Array() });
});
