/** Makes the vectors of augmentation: an image as it is in some epochs, for each kind of distortion. */
import type { AugmentDescription } from '../../shared/data/augment.js';
import { Distortion } from '../../shared/data/distortion.js';
import { Random } from '../../shared/random.js';
import { hexBytes } from './text.js';

/** Each kind alone, with the most that its limits allow, and all together; heights, widths and channels of all sorts. */
const cases: [shape: number[], augment: AugmentDescription][] = [
  [[7, 9], { shift: 2 }],
  [[9, 7], { shift: 64 }],
  [[8, 8], { rotate: 10 }],
  [[9, 6], { rotate: 180 }],
  [[8, 7], { scale: 0.1 }],
  [[7, 8], { scale: 0.5 }],
  [[15, 12], { elastic: 3 }],
  [[22, 21], { elastic: 64 }],
  [[12, 10], { shift: 2, rotate: 15, scale: 0.15, elastic: 2.5 }],
  [[6, 5, 3], { shift: 1, rotate: 45, scale: 0.25, elastic: 1.3 }],
  [[1, 11], { shift: 3, rotate: 5, elastic: 1 }],
];

const uses: [seed: number, epoch: number, sample: number][] = [
  [1, 0, 0],
  [1, 1, 0],
  [1, 0, 1],
  [0xffffffff, 70_000, 59_999],
];

export function augmentVectors() {
  return { images: cases.map(([shape, augment], n) => vector(shape, augment, n)) };
}

function vector(shape: number[], augment: AugmentDescription, n: number) {
  const random = new Random(n, 103);
  const pixel = () => (random.below(4) === 0 ? random.below(256) : 0);
  const image = Uint8Array.from({ length: shape.reduce((a, b) => a * b, 1) }, pixel);
  const distortion = new Distortion(augment, shape);
  const distorted = uses.map(([seed, epoch, sample]) => {
    const copy = image.slice();
    distortion.distort(copy, seed, epoch, sample);
    return { seed, epoch, sample, pixels: hexBytes(copy) };
  });
  return { shape, augment, pixels: hexBytes(image), distorted };
}
