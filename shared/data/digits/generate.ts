/**
 * Makes images that look like MNIST's from a seed. They are for tests and for machines without a network. Image i of a
 * set depends only on the seed, the set and i, so a smaller set is the beginning of a larger one.
 *
 * What this is not: MNIST. Figures measured on these images cannot be compared with figures measured on MNIST.
 */
import { Random } from '../../random.js';
import type { Dataset, Samples } from '../dataset.js';
import { inkDepth, SIDE, scan } from './render.js';
import { DigitShape } from './shape.js';
import { templates } from './templates.js';

export interface DigitsOptions {
  readonly seed: number;
  /** Number of training images. */
  readonly train: number;
  /** Number of test images. */
  readonly test: number;
}

/** These labels give each set its own random stream. */
const TRAIN = 1;
const TEST = 2;

export function generateDigits({ seed, train, test }: DigitsOptions): Dataset {
  return { name: 'digits', classes: 10, train: samples(seed, TRAIN, train), test: samples(seed, TEST, test) };
}

function samples(seed: number, stream: number, count: number): Samples {
  const pixels = SIDE * SIDE;
  const images = new Uint8Array(count * pixels);
  const labels = new Uint8Array(count);
  const shape = new DigitShape();
  const depth = new Float64Array(pixels);
  for (let i = 0; i < count; i++) {
    const random = new Random(seed, stream, i);
    labels[i] = random.below(10);
    paint(labels[i], random, shape, depth, images.subarray(i * pixels, (i + 1) * pixels));
  }
  return { count, shape: [SIDE, SIDE], images, labels };
}

/** Draws one image into `image`. `shape` and `depth` are scratch space. */
function paint(digit: number, random: Random, shape: DigitShape, depth: Float64Array, image: Uint8Array): void {
  const variants = templates[digit];
  shape.draw(variants[random.below(variants.length)], random);
  // MNIST's images are made in the same way: the ink fits a box of 20 x 20 pixels, and its centre of mass is the centre
  // of the image.
  const width = 0.8 + 0.8 * random.uniform() + 0.6 * random.uniform();
  shape.place(20 - 2 * width - 2 * random.uniform(), SIDE / 2 - 0.5, SIDE / 2 - 0.5);
  const pen = {
    radiusFirst: width * (0.85 + 0.3 * random.uniform()),
    radiusLast: width * (0.85 + 0.3 * random.uniform()),
    blur: 1 + 0.8 * random.uniform(),
  };
  inkDepth(shape.segments, shape.count, pen, depth);
  scan(depth, random, image);
}
