import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { generateDigits } from '../../../shared/data/digits/generate.js';
import { templates } from '../../../shared/data/digits/templates.js';

const { train, test, ...about } = generateDigits({ seed: 1, train: 1000, test: 500 });

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

describe('generated digits', () => {
  it('are the same bytes on every machine', () => {
    expect(sha256(train.images)).toBe('7fe6a38b193eba064eb3275bef9927d2f4383a47059b8288774f911e06199f20');
    expect(sha256(train.labels)).toBe('6c01965bfd65cb46d6df12eecac958d0d6244327375585c9319074945f81d3a6');
    expect(sha256(test.images)).toBe('7eedac65053c8d796087f21ec9826b21e33e595ec052172c47ec46f099d76688');
  });

  it('have the form of MNIST', () => {
    expect(about).toEqual({ name: 'digits', classes: 10 });
    expect(train).toMatchObject({ count: 1000, shape: [28, 28] });
    expect(train.images.length).toBe(1000 * 784);
    expect(test.labels.length).toBe(500);
  });

  it('of a smaller set are the beginning of a larger one', () => {
    const fewer = generateDigits({ seed: 1, train: 30, test: 20 });
    expect(fewer.train.images).toEqual(train.images.subarray(0, 30 * 784));
    expect(fewer.test.labels).toEqual(test.labels.subarray(0, 20));
  });

  it('differ between seeds, and between training and test', () => {
    const other = generateDigits({ seed: 2, train: 1, test: 1 });
    const first = [train.images, test.images, other.train.images, other.test.images].map((images) =>
      sha256(images.subarray(0, 784)),
    );
    expect(new Set(first).size).toBe(4);
  });

  it('have labels in balance and in no order', () => {
    const counts = new Array<number>(10).fill(0);
    for (const label of train.labels) counts[label]++;
    expect(Math.min(...counts)).toBeGreaterThan(70);
    expect(Math.max(...counts)).toBeLessThan(130);
  });

  it('are mostly paper, and their ink is centred and keeps off the margin', () => {
    const paper = train.images.reduce((zeros, pixel) => zeros + (pixel === 0 ? 1 : 0), 0);
    expect(paper / train.images.length).toBeGreaterThan(0.75);
    for (let i = 0; i < train.count; i++) {
      const [x, y] = centreOfMass(train.images.subarray(i * 784, (i + 1) * 784));
      expect(Math.max(Math.abs(x - 13.5), Math.abs(y - 13.5))).toBeLessThan(1.5);
    }
  });

  it('have templates for every digit, within the room that a shape has', () => {
    expect(templates.length).toBe(10);
    for (const stroke of templates.flat(2)) {
      expect(stroke.length % 2).toBe(0);
      expect(stroke.length).toBeLessThanOrEqual(2 * 32);
      expect(stroke.every((coordinate) => coordinate >= 0 && coordinate <= 100)).toBe(true);
    }
  });
});

function centreOfMass(image: Uint8Array): [x: number, y: number] {
  let [x, y, mass] = [0, 0, 0];
  for (const [i, ink] of image.entries()) {
    x += ink * (i % 28);
    y += ink * Math.floor(i / 28);
    mass += ink;
  }
  return [x / mass, y / mass];
}
