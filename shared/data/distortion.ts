/**
 * Distorts one image: it is shifted, turned, scaled and bent at random. Each pixel of the result comes from a place of the
 * original, which is read between its four nearest pixels. Outside of the original there are zeros.
 *
 * All numbers are whole, so every engine gets the same bytes. COMPUTATION.md (Augmentation) defines them. A distortion has
 * buffers of its own, so every thread has one.
 */
import { Random, stream } from '../random.js';
import type { AugmentDescription } from './augment.js';
import { ElasticField } from './elastic-field.js';

/** 1 in the numbers that are scaled by 2^16: sine, cosine, zoom. */
const one = 2 ** 16;
/** One pixel in the coordinates of a place. */
const pixelUnits = 2 ** 17;

/** Where the pixel (u, v) comes from: x = xu u + xv v, y = yu u + yv v, both from the centre, scaled by 2^16. */
interface Turn {
  readonly xu: number;
  readonly xv: number;
  readonly yu: number;
  readonly yv: number;
}

export class Distortion {
  private readonly height: number;
  private readonly width: number;
  private readonly channels: number;
  private readonly shift: number;
  /** In 1/256 degrees. */
  private readonly rotate: number;
  /** Scaled by 2^16. */
  private readonly scale: number;
  private readonly isElastic: boolean;
  private readonly field: ElasticField;
  /** The original, with a border of zeros that is one pixel wide. */
  private readonly original: Uint8Array;
  /** The rows and columns of the original that have ink, counted from the border: all others are zero. */
  private readonly ink = { top: 0, bottom: 0, left: 0, right: 0 };

  /** `shape` has passed `undistortable`, and the description its check. */
  constructor({ shift = 0, rotate = 0, scale = 0, elastic = 0 }: AugmentDescription, shape: readonly number[]) {
    const [height, width, channels = 1] = shape;
    this.height = height;
    this.width = width;
    this.channels = channels;
    this.shift = shift;
    this.rotate = Math.floor(rotate * 256 + 0.5);
    this.scale = Math.floor(scale * one + 0.5);
    this.isElastic = elastic > 0;
    this.field = new ElasticField(height, width, elastic);
    this.original = new Uint8Array((height + 2) * (width + 2) * channels);
  }

  /** Replaces an image by what it is in this epoch. `sample` is its number in the training set. */
  distort(image: Uint8Array, seed: number, epoch: number, sample: number): void {
    const random = new Random(seed, stream.augmentation, epoch, sample);
    const down = random.below(2 * this.shift + 1) - this.shift;
    const right = random.below(2 * this.shift + 1) - this.shift;
    this.copy(image);
    if (this.rotate === 0 && this.scale === 0 && !this.isElastic) {
      this.move(image, down, right);
      return;
    }
    const turn = this.drawTurn(random);
    if (this.isElastic) this.field.draw(random);
    this.sample(image, turn, down, right);
  }

  /** Copies the image inside of the border, and finds the box around its ink. */
  private copy(image: Uint8Array): void {
    const { height, width, channels, original, ink } = this;
    const line = width * channels;
    ink.top = height + 1;
    ink.bottom = ink.left = ink.right = 0;
    let [left, right] = [line, -1];
    for (let row = 0; row < height; row++) {
      const from = row * line;
      const to = (row + 1) * (line + 2 * channels) + channels;
      let any = 0;
      for (let i = 0; i < line; i++) {
        const pixel = image[from + i];
        original[to + i] = pixel;
        if (pixel === 0) continue;
        any = 1;
        if (i < left) left = i;
        if (i > right) right = i;
      }
      if (any === 0) continue;
      ink.top = Math.min(ink.top, row + 1);
      ink.bottom = row + 1;
    }
    ink.left = Math.floor(left / channels) + 1;
    ink.right = Math.floor(right / channels) + 1;
  }

  /** The same as `sample` without turning, which would find a fraction of 0 everywhere. */
  private move(image: Uint8Array, down: number, right: number): void {
    const { height, width, channels, original } = this;
    const line = width * channels;
    const [first, end] = [Math.max(0, right) * channels, Math.min(width, width + right) * channels];
    image.fill(0);
    for (let row = Math.max(0, down); row < Math.min(height, height + down); row++) {
      const from = (row - down + 1) * (line + 2 * channels) + (1 - right) * channels;
      for (let i = first; i < end; i++) image[row * line + i] = original[from + i];
    }
  }

  private drawTurn(random: Random): Turn {
    const { sine, cosine } = sineAndCosine(Math.floor((this.rotate * signed(random)) / 11520));
    const zoomY = one + ((this.scale * signed(random)) >> 15);
    const zoomX = one + ((this.scale * signed(random)) >> 15);
    return {
      xu: product(zoomX, cosine),
      xv: product(zoomX, sine),
      yu: product(zoomY, -sine),
      yv: product(zoomY, cosine),
    };
  }

  private sample(image: Uint8Array, { xu, xv, yu, yv }: Turn, down: number, right: number): void {
    const { height, width, channels, original, ink } = this;
    const { displacements } = this.field;
    const line = (width + 2) * channels;
    let [at, pixel] = [0, 0];
    for (let row = 0; row < height; row++) {
      const v = 2 * row - (height - 1);
      // The place that the first pixel of the row comes from. From pixel to pixel, u grows by 2.
      let x = (width - 1) * (one - xu) + xv * v - right * pixelUnits;
      let y = (height - 1) * one - yu * (width - 1) + yv * v - down * pixelUnits;
      for (let column = 0; column < width; column++, pixel++) {
        const fromX = (x + displacements[2 * pixel]) >> 9;
        const fromY = (y + displacements[2 * pixel + 1]) >> 9;
        x = (x + 2 * xu) | 0;
        y = (y + 2 * yu) | 0;
        // Counted from the border, which is pixel 0.
        const left = (fromX >> 8) + 1;
        const top = (fromY >> 8) + 1;
        const hasInk = left >= ink.left - 1 && left <= ink.right && top >= ink.top - 1 && top <= ink.bottom;
        for (let channel = 0; channel < channels; channel++, at++) {
          const from = top * line + left * channels + channel;
          image[at] = hasInk ? between(original, from, channels, line, fromX & 255, fromY & 255) : 0;
        }
      }
    }
  }
}

/** The value at a place: (x, y), in 1/256, from the pixel at `at` towards its right and lower neighbours. */
function between(pixels: Uint8Array, at: number, right: number, down: number, x: number, y: number): number {
  const [a, b] = [pixels[at], pixels[at + right]];
  const [c, d] = [pixels[at + down], pixels[at + down + right]];
  // Most pixels of most images are zero.
  if ((a | b | c | d) === 0) return 0;
  const upper = 256 * a + (b - a) * x;
  const lower = 256 * c + (d - c) * x;
  return (256 * upper + (lower - upper) * y + 32768) >> 16;
}

/** A whole number, uniform over -2^15 .. 2^15 - 1. */
function signed(random: Random): number {
  return (random.uint32() >>> 16) - 32768;
}

/** The product of two numbers that are scaled by 2^16, rounded down. It has up to 33 bits before it is divided. */
function product(a: number, b: number): number {
  return Math.floor((a * b) / one);
}

/** Both scaled by 2^16, and right to within 3 units. `angle` is in quarter turns, scaled by 2^16: at most two of them. */
export function sineAndCosine(angle: number): { readonly sine: number; readonly cosine: number } {
  const quarters = (angle + 32768) >> 16;
  const [sine, cosine] = nearZero(angle - quarters * one);
  switch (quarters & 3) {
    case 0:
      return { sine, cosine };
    case 1:
      return { sine: cosine, cosine: -sine };
    case 2:
      return { sine: -sine, cosine: -cosine };
    default:
      return { sine: -cosine, cosine: sine };
  }
}

/** Taylor series for angles of up to half a quarter turn. */
function nearZero(angle: number): readonly [sine: number, cosine: number] {
  const squared = (angle * angle) >> 16;
  let s = 2611 - ((squared * 153) >> 16);
  s = 21167 - ((squared * s) >> 16);
  s = 51472 - ((squared * s) >> 16);
  let c = 16624 - ((squared * 1367) >> 16);
  c = 80852 - ((squared * c) >> 16);
  return [(angle * s) >> 15, one - ((squared * c) >> 16)];
}
