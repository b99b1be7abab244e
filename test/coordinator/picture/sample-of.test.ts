/** Tests that one drawing gives one sample, however it comes: dark or light, small or large, in a corner, transparent. */
import { describe, expect, it } from 'vitest';
import { MalformedPicture, type Picture } from '../../../coordinator/picture/picture.js';
import { type Frame, frameOf, sampleOf } from '../../../coordinator/picture/sample-of.js';
import { centreOfMass } from '../../../shared/data/centring.js';
import { generateDigits } from '../../../shared/data/digits/generate.js';

const frame: Frame = { rows: 28, columns: 28, channels: 1 };
const { images, labels } = generateDigits({ seed: 3, train: 40, test: 1 }).train;

interface Look {
  /** Pixels of the picture for one pixel of the digit. */
  readonly zoom: number;
  readonly width: number;
  readonly height: number;
  /** Where the digit's image begins. */
  readonly x: number;
  readonly y: number;
  /** The colours of paper and ink, with their alphas. */
  readonly paper: readonly number[];
  readonly ink: readonly number[];
}

const black = [0, 0, 0, 255];
const white = [255, 255, 255, 255];
const plain: Look = { zoom: 10, width: 280, height: 280, x: 0, y: 0, paper: white, ink: black };

/** A digit as a picture, enlarged without smoothing. */
function pictureOf(digit: Uint8Array, look: Partial<Look> = {}): Picture {
  const { zoom, width, height, x: left, y: top, paper, ink } = { ...plain, ...look };
  const rgba = new Uint8Array(4 * width * height);
  for (let i = 0; i < width * height; i++) {
    const [x, y] = [Math.floor(((i % width) - left) / zoom), Math.floor((Math.floor(i / width) - top) / zoom)];
    const share = x >= 0 && x < 28 && y >= 0 && y < 28 ? digit[28 * y + x] / 255 : 0;
    for (let c = 0; c < 4; c++) rgba[4 * i + c] = Math.round(paper[c] + share * (ink[c] - paper[c]));
  }
  return { width, height, rgba };
}

/** The mean difference of two samples, as a share of the ink of the first. */
function difference(a: Uint8Array, b: Uint8Array): number {
  const ink = a.reduce((sum, value) => sum + value, 0);
  return a.reduce((sum, value, i) => sum + Math.abs(value - b[i]), 0) / ink;
}

const digits = Array.from(labels, (label, i) => ({ label, digit: images.subarray(784 * i, 784 * (i + 1)) }));
const four = digits.find(({ label }) => label === 4)!.digit;
const sampled = (picture: Picture) => sampleOf(picture, frame, 'auto');

it('an enlarged image of MNIST, dark on light, becomes about what it was', () => {
  const differences = digits.map(({ digit }) => difference(digit, sampled(pictureOf(digit))));
  expect(differences.reduce((sum, value) => sum + value, 0) / digits.length).toBeLessThan(0.3);
});

describe('the same drawing gives the same sample', () => {
  const sample = sampled(pictureOf(four));
  it.each<[string, Partial<Look>]>([
    ['light on dark', { paper: black, ink: white }],
    ['in blue on yellow', { paper: [250, 240, 150, 255], ink: [20, 30, 160, 255] }],
    ['in pale grey', { paper: [200, 200, 200, 255], ink: [150, 150, 150, 255] }],
    ['in a corner of a wide picture', { width: 900, height: 300, x: 610, y: 15 }],
    ['on transparent paper', { paper: [0, 0, 0, 0] }],
    ['in white on transparent paper', { paper: [255, 255, 255, 0], ink: white }],
    ['very large', { zoom: 50, width: 1400, height: 1400 }],
  ])('%s', (_, look) => {
    expect(difference(sample, sampled(pictureOf(four, look)))).toBeLessThan(0.06);
  });

  it('with corners that are transparent', () => {
    const picture = pictureOf(four);
    for (const at of [0, 1, 279, 280, 280 * 279]) picture.rgba.fill(0, 4 * at, 4 * at + 4);
    expect(difference(sample, sampled(picture))).toBeLessThan(0.01);
  });

  it('on a photo whose corners and one side are darker, dark on light or light on dark', () => {
    for (const [paper, ink] of [
      [200, 60],
      [90, 200],
    ]) {
      const picture = pictureOf(four, { paper: [paper, paper, paper, 255], ink: [ink, ink, ink, 255] });
      for (let i = 0; i < 280 * 280; i++) {
        const [x, y] = [(i % 280) / 140 - 1, Math.floor(i / 280) / 140 - 1];
        const shade = 1 - 0.12 * x * x - 0.1 * y * y - 0.1 * x;
        for (let c = 0; c < 3; c++) picture.rgba[4 * i + c] = Math.round(picture.rgba[4 * i + c] * shade);
      }
      expect(difference(sample, sampled(picture))).toBeLessThan(0.15);
    }
  });

  it('with specks and noise on the paper', () => {
    const picture = pictureOf(four);
    for (let i = 0; i < 280 * 280; i++) picture.rgba[4 * i] = Math.max(0, picture.rgba[4 * i] - ((i * 31) % 17));
    for (const at of [280 * 5 + 9, 280 * 270 + 274]) picture.rgba.fill(0, 4 * at, 4 * at + 3);
    expect(difference(sample, sampled(picture))).toBeLessThan(0.06);
  });
});

it('the ink fills the box by its longer side, and its centre of mass is in the middle', () => {
  const sample = sampled(pictureOf(four, { width: 900, height: 500, x: 500, y: 100 }));
  const { x, y } = centreOfMass(sample, 28, 28);
  expect(Math.max(Math.abs(x - 14), Math.abs(y - 14))).toBeLessThan(0.1);
  const lines = Array.from({ length: 28 }, (_, n) => ({
    row: Math.max(...sample.subarray(28 * n, 28 * (n + 1))),
    column: Math.max(...sample.filter((_, i) => i % 28 === n)),
  }));
  const inked = (values: number[]) => values.filter((value) => value > 64).length;
  const longer = Math.max(inked(lines.map(({ row }) => row)), inked(lines.map(({ column }) => column)));
  expect(Math.abs(longer - 20)).toBeLessThanOrEqual(1);
  expect(Math.max(...sample)).toBe(255);
});

it('a line of one pixel in a large picture is as thick as a pen', () => {
  const picture = pictureOf(new Uint8Array(784), { width: 1000, height: 1000 });
  for (let y = 200; y < 800; y++) picture.rgba.fill(0, 4 * (1000 * y + 500), 4 * (1000 * y + 500) + 3);
  const sample = sampled(picture);
  const row = sample.subarray(28 * 14, 28 * 15);
  const thickness = row.reduce((sum, value) => sum + value, 0) / 255;
  expect(thickness).toBeGreaterThan(1.8);
  expect(thickness).toBeLessThan(3);
});

it('a picture without a drawing is refused', () => {
  for (const paper of [white, black, [0, 0, 0, 0], [90, 90, 90, 255]]) {
    const blank = pictureOf(new Uint8Array(784), { paper });
    expect(() => sampled(blank)).toThrow(MalformedPicture);
    expect(() => sampled(blank)).toThrow(/shows nothing/);
  }
});

describe('a picture of the size of the model', () => {
  it('is taken as it is, to the last bit, and turned to light on dark', () => {
    for (const { digit } of digits) {
      const look = { zoom: 1, width: 28, height: 28 };
      expect(sampled(pictureOf(digit, { ...look, paper: black, ink: white }))).toEqual(digit);
      expect(sampled(pictureOf(digit, look))).toEqual(digit);
    }
  });

  it('is centred where that is asked for', () => {
    const moved = pictureOf(four, { zoom: 1, width: 28, height: 28, x: 3, y: -2 });
    const { x, y } = centreOfMass(sampleOf(moved, frame, 'ink'), 28, 28);
    expect(Math.max(Math.abs(x - 14), Math.abs(y - 14))).toBeLessThan(0.1);
  });
});

describe('a picture as a whole', () => {
  it('is scaled to the size, whatever it shows', () => {
    const sample = sampleOf(pictureOf(four, { paper: black, ink: white }), frame, 'whole');
    expect(difference(four, sample)).toBeLessThan(0.01);
  });

  it('keeps its proportions', () => {
    const wide = { width: 4, height: 2, rgba: new Uint8Array(32).fill(255) };
    wide.rgba.set([0, 0, 0, 255]);
    const sample = sampleOf(wide, { rows: 4, columns: 4, channels: 1 }, 'whole');
    expect([...sample]).toEqual([0, 0, 0, 0, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  });

  it('has its three colours where the model takes three', () => {
    const rgba = Uint8Array.from([255, 0, 0, 255, 0, 255, 0, 255, 0, 0, 255, 255, 9, 9, 9, 0]);
    const sample = sampleOf({ width: 2, height: 2, rgba }, { rows: 2, columns: 2, channels: 3 }, 'auto');
    expect([...sample]).toEqual([255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255]);
  });
});

it('only shapes of pictures are pictures', () => {
  expect(frameOf([28, 28])).toEqual(frame);
  expect(frameOf([28, 28, 1])).toEqual(frame);
  expect(frameOf([32, 30, 3])).toEqual({ rows: 32, columns: 30, channels: 3 });
  for (const shape of [[784], [28, 28, 2], [1, 784], [28, 28, 3, 1]]) expect(frameOf(shape)).toBeNull();
});
