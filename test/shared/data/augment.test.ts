import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { type AugmentDescription, checkAugment, undistortable } from '../../../shared/data/augment.js';
import { Distortion, sineAndCosine } from '../../../shared/data/distortion.js';
import { ElasticField } from '../../../shared/data/elastic-field.js';
import { Random } from '../../../shared/random.js';
import { pageDistortion } from './page-distortion.js';

function imageOf(shape: readonly number[], pixel: (i: number) => number): Uint8Array {
  return Uint8Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => pixel(i));
}

/** Strokes: most pixels are 0, and the others have all values. */
function randomImage(shape: readonly number[], seed: number): Uint8Array {
  const random = new Random(seed);
  return imageOf(shape, () => (random.below(3) === 0 ? random.below(256) : 0));
}

function distorted(
  image: Uint8Array,
  shape: readonly number[],
  augment: AugmentDescription,
  sample = 0,
  epoch = 0,
  seed = 1,
): Uint8Array {
  const copy = image.slice();
  new Distortion(augment, shape).distort(copy, seed, epoch, sample);
  return copy;
}

const anyShape = fc
  .record({ height: fc.integer({ min: 1, max: 30 }), width: fc.integer({ min: 1, max: 30 }), channels: fc.nat(3) })
  .map(({ height, width, channels }) => (channels === 0 ? [height, width] : [height, width, channels]));
const above0 = (max: number) => fc.double({ min: 1e-3, max, noNaN: true });
const anyAugment: fc.Arbitrary<AugmentDescription> = fc.record(
  { shift: fc.integer({ min: 1, max: 64 }), rotate: above0(180), scale: above0(0.5), elastic: above0(64) },
  { requiredKeys: [] },
);
const uint32 = fc.integer({ min: 0, max: 0xffffffff });

describe('a distorted image', () => {
  it('has the bytes of the page', () => {
    fc.assert(
      fc.property(anyShape, anyAugment, uint32, uint32, uint32, (shape, augment, seed, epoch, sample) => {
        const image = randomImage(shape, seed);
        const expected = pageDistortion(image, shape, augment, { seed, epoch, sample });
        expect(distorted(image, shape, augment, sample, epoch, seed)).toEqual(expected);
      }),
      { numRuns: 300 },
    );
  });

  it('is the image itself if nothing is asked for, or next to nothing', () => {
    const image = randomImage([28, 28], 1);
    expect(distorted(image, [28, 28], {})).toEqual(image);
    // Settings that are rounded to 0. The second one goes through the sampling of every pixel.
    expect(distorted(image, [28, 28], { rotate: 0.001, scale: 1e-6 })).toEqual(image);
    expect(distorted(image, [28, 28], { elastic: 0.001 })).toEqual(image);
  });

  it('depends on seed, epoch and sample alone, and not on the images before it', () => {
    const augment = { shift: 2, rotate: 10, scale: 0.1, elastic: 4 };
    const shape = [28, 28];
    const image = randomImage(shape, 2);
    const distortion = new Distortion(augment, shape);
    const uses = [0, 1, 2, 3].flatMap((epoch) => [0, 1, 2, 3].map((sample) => ({ epoch, sample })));
    const inTurn = [...uses, ...uses.toReversed()].map(({ epoch, sample }) => {
      const copy = image.slice();
      distortion.distort(copy, 1, epoch, sample);
      return copy.join();
    });
    expect(inTurn.slice(16).toReversed()).toEqual(inTurn.slice(0, 16));
    expect(new Set(inTurn).size).toBe(16);
    expect(distorted(image, shape, augment, 0, 0, 2).join()).not.toBe(inTurn[0]);
  });

  it('stays white inside and black outside', () => {
    const white = imageOf([40, 40], () => 255);
    for (let sample = 0; sample < 50; sample++) {
      const image = distorted(white, [40, 40], { shift: 3, rotate: 20, scale: 0.2, elastic: 4 }, sample);
      expect(image[20 * 40 + 20]).toBe(255);
    }
    const far = Array.from({ length: 20 }, (_, sample) => distorted(white, [40, 40], { shift: 64 }, sample));
    expect(far.some((image) => image.every((pixel) => pixel === 0))).toBe(true);
  });
});

describe('a shift', () => {
  const shape = [9, 7, 2];
  const image = randomImage(shape, 3);
  const moved = (down: number, right: number) =>
    imageOf(shape, (i) => {
      const [row, column] = [Math.floor(i / 14) - down, (Math.floor(i / 2) % 7) - right];
      return row >= 0 && row < 9 && column >= 0 && column < 7 ? image[(row * 7 + column) * 2 + (i % 2)] : 0;
    }).join();

  it('moves by whole pixels, each way equally often, with the same bytes as the sampling', () => {
    const ways = [-2, -1, 0, 1, 2].flatMap((down) => [-2, -1, 0, 1, 2].map((right) => moved(down, right)));
    const times = new Map(ways.map((way) => [way, 0]));
    const count = 5000;
    for (let sample = 0; sample < count; sample++) {
      const way = distorted(image, shape, { shift: 2 }, sample).join();
      times.set(way, (times.get(way) ?? 0) + 1);
      if (sample < 100) expect(distorted(image, shape, { shift: 2, elastic: 0.001 }, sample).join()).toBe(way);
    }
    expect(times.size).toBe(25);
    for (const found of times.values()) expect(Math.abs(found - count / 25)).toBeLessThan(60);
  });
});

/** Angle, height and width of the ink, by its moments. */
function momentsOf(image: Uint8Array, side: number) {
  let [mass, x, y, xx, yy, xy] = [0, 0, 0, 0, 0, 0];
  image.forEach((ink, i) => {
    const [column, row] = [i % side, Math.floor(i / side)];
    mass += ink;
    x += ink * column;
    y += ink * row;
    xx += ink * column * column;
    yy += ink * row * row;
    xy += ink * column * row;
  });
  const [meanX, meanY] = [x / mass, y / mass];
  const [varX, varY, both] = [xx / mass - meanX ** 2, yy / mass - meanY ** 2, xy / mass - meanX * meanY];
  return {
    degrees: (90 / Math.PI) * Math.atan2(2 * both, varX - varY),
    width: Math.sqrt(varX),
    height: Math.sqrt(varY),
  };
}

/** Least, mean and greatest. */
function spread(values: readonly number[]) {
  const sorted = [...values].sort((a, b) => a - b);
  return [sorted[0], values.reduce((a, b) => a + b) / values.length, sorted[sorted.length - 1]];
}

describe('a turn and a zoom', () => {
  const side = 41;
  const bar = imageOf([side, side], (i) => {
    const [down, right] = [Math.floor(i / side) - 20, (i % side) - 20];
    return Math.abs(down) <= 6 && Math.abs(right) <= 12 ? 255 : 0;
  });
  const plain = momentsOf(bar, side);
  const many = (augment: AugmentDescription) =>
    Array.from({ length: 500 }, (_, sample) => momentsOf(distorted(bar, [side, side], augment, sample), side));

  it('turns by up to the angle, either way', () => {
    const [least, mean, most] = spread(many({ rotate: 15 }).map(({ degrees }) => degrees));
    expect(least).toBeGreaterThan(-15.3);
    expect(least).toBeLessThan(-14);
    expect(Math.abs(mean)).toBeLessThan(1);
    expect(most).toBeGreaterThan(14);
    expect(most).toBeLessThan(15.3);
  });

  it('changes width and height by up to the factor, each on its own', () => {
    const found = many({ scale: 0.2 });
    for (const axis of ['width', 'height'] as const) {
      const [least, , most] = spread(found.map((moments) => moments[axis] / plain[axis]));
      expect(least).toBeGreaterThan(1 / 1.2 - 0.03);
      expect(least).toBeLessThan(1 / 1.2 + 0.03);
      expect(most).toBeGreaterThan(1 / 0.8 - 0.05);
      expect(most).toBeLessThan(1 / 0.8 + 0.05);
    }
    expect(found.some(({ width, height }) => width > plain.width * 1.1 && height < plain.height * 0.95)).toBe(true);
  });
});

test('sine and cosine are right to within 3 units of 2^-16, for two quarter turns either way', () => {
  for (let angle = -2 * 65536; angle <= 2 * 65536; angle += 61) {
    const { sine, cosine } = sineAndCosine(angle);
    const radians = (angle / 65536) * (Math.PI / 2);
    expect(Math.abs(sine - 65536 * Math.sin(radians))).toBeLessThan(3);
    expect(Math.abs(cosine - 65536 * Math.cos(radians))).toBeLessThan(3);
  }
});

describe('an elastic field', () => {
  const field = new ElasticField(28, 28, 6);
  const random = new Random(7);
  const pixel = 2 ** 17;
  const drawn = Array.from({ length: 300 }, () => {
    field.draw(random);
    const [x, y] = [0, 1].map((axis) => field.displacements.filter((_, i) => i % 2 === axis));
    return { x, y };
  });

  it('moves by a third of its setting on average, and never by more than that', () => {
    const middle = drawn.flatMap(({ x, y }) => [x[14 * 28 + 14] / pixel, y[14 * 28 + 14] / pixel]);
    const deviation = Math.sqrt(middle.reduce((sum, d) => sum + d * d, 0) / middle.length);
    expect(deviation).toBeGreaterThan(1.7);
    expect(deviation).toBeLessThan(2.3);
    const furthest = drawn.flatMap(({ x, y }) => [...x, ...y]).reduce((most, d) => Math.max(most, Math.abs(d)), 0);
    expect(furthest).toBe(6 * pixel);
  });

  it('is smooth: neighbours move by much the same', () => {
    for (const { x } of drawn) {
      for (let i = 1; i < 28; i++) expect(Math.abs(x[14 * 28 + i] - x[14 * 28 + i - 1])).toBeLessThan(2 * pixel);
    }
  });
});

describe('a description', () => {
  it.each([
    { shift: 2 },
    { rotate: 180 },
    { scale: 0.5, elastic: 64 },
    { shift: 64, rotate: 0.1, scale: 0.01, elastic: 0.5 },
  ])('may be %j', (augment) => {
    expect(checkAugment('augment', augment)).toBeNull();
  });

  it.each([
    [{}, 'augment must have shift, rotate, scale or elastic'],
    [{ shift: 0 }, 'augment.shift must be a whole number from 1 to 64'],
    [{ shift: 1.5 }, 'augment.shift must be a whole number from 1 to 64'],
    [{ rotate: 181 }, 'augment.rotate must be a number above 0, and 180 at most'],
    [{ scale: Number.NaN }, 'augment.scale must be a number above 0, and 0.5 at most'],
    [{ elastic: '4' }, 'augment.elastic must be a number above 0, and 64 at most'],
    [{ flip: 1 }, 'augment has an unknown field "flip": it may have shift, rotate, scale, elastic'],
    [[2], 'augment must be an object with shift, rotate, scale, elastic'],
  ])('cannot be %j', (augment, sentence) => {
    expect(checkAugment('augment', augment)).toBe(sentence);
  });

  it.each([[[28, 28]], [[1, 1024]], [[32, 32, 3]]])('fits images of %j', (shape) => {
    expect(undistortable(shape)).toBeNull();
  });

  it.each([[[784]], [[2, 2, 2, 2]], [[1025, 1]]])('does not fit samples of %j', (shape) => {
    expect(undistortable(shape)).toMatch(/^augmentation takes images of /);
  });

  it('keeps all coordinates within 32 bits at its limits', () => {
    const shape = [1, 1024];
    const augment = { shift: 64, rotate: 180, scale: 0.5, elastic: 64 };
    for (const [sample, side] of [
      [0, shape],
      [1, [1024, 1]],
      [2, [256, 256]],
    ] as const) {
      const image = randomImage(side, sample);
      const expected = pageDistortion(image, side, augment, { seed: 9, epoch: 0, sample });
      expect(distorted(image, side, augment, sample, 0, 9)).toEqual(expected);
    }
  });
});
