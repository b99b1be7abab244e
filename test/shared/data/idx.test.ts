import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { datasetFromIdx, encodeIdx, type IdxFiles, parseIdx, samplesFromIdx } from '../../../shared/data/idx.js';
import { LockstepError } from '../../../shared/errors.js';
import { limits } from '../../../shared/limits.js';

function file(name: string, dimensions: readonly number[], values: ArrayLike<number> | undefined = undefined) {
  const total = dimensions.reduce((product, dimension) => product * dimension, 1);
  return { name, bytes: encodeIdx({ dimensions, values: Uint8Array.from(values ?? new Uint8Array(total)) }) };
}

function header(...bytes: number[]) {
  return { name: 'some-file', bytes: Uint8Array.from(bytes) };
}

function fault(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    expect(error).toBeInstanceOf(LockstepError);
    expect((error as LockstepError).code).toBe('data-invalid');
    return (error as LockstepError).message;
  }
  throw new Error('nothing was thrown');
}

describe('parseIdx', () => {
  it('reads what encodeIdx writes, as a view', () => {
    const shape = fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(shape, (dimensions) => {
        const written = file('f', dimensions);
        const read = parseIdx(written);
        expect(read.dimensions).toEqual(dimensions);
        expect(read.values.buffer).toBe(written.bytes.buffer);
      }),
    );
  });

  it('reads the header of the format as published', () => {
    const { dimensions, values } = parseIdx(header(0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 1, 77, 88));
    expect(dimensions).toEqual([1, 2, 1]);
    expect([...values]).toEqual([77, 88]);
  });

  it('answers any bytes with an array or a named fault', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        try {
          parseIdx({ name: 'noise', bytes });
        } catch (error) {
          expect(error).toBeInstanceOf(LockstepError);
          expect(String(error)).toContain('noise');
        }
      }),
    );
  });

  it.each([
    ['an empty file', header(), 'truncated or damaged: expected a header, found 0 bytes'],
    ['text', header(60, 104, 116, 109, 108, 62), 'not an IDX file: its first bytes are 3c 68 74 6d'],
    ['another type', header(0, 0, 13, 1, 0, 0, 0, 0), 'only unsigned bytes (type 08) are supported'],
    ['no dimension', header(0, 0, 8, 0), 'declares 0 dimensions'],
    ['too many dimensions', header(0, 0, 8, 200), 'declares 200 dimensions'],
    ['half a header', header(0, 0, 8, 3, 0, 0, 0, 1), 'expected a header of 16 bytes, found 8 bytes'],
    ['missing values', header(0, 0, 8, 1, 0, 0, 0, 9, 1, 2), 'expected 17 bytes (dimensions 9), found 10 bytes'],
    ['spare values', header(0, 0, 8, 1, 0, 0, 0, 1, 1, 2), 'expected 9 bytes (dimensions 1), found 10 bytes'],
    ['huge dimensions', header(0, 0, 8, 2, 255, 255, 255, 255, 255, 255, 255, 255), 'expected 18446744'],
  ])('refuses %s', (_, bytes, sentence) => {
    expect(fault(() => parseIdx(bytes))).toMatch(/^some-file: .*; get the file again|^some-file: .*; convert/);
    expect(fault(() => parseIdx(bytes))).toContain(sentence);
  });
});

describe('samplesFromIdx', () => {
  const images = file('images', [3, 2, 2]);
  const labels = file('labels', [3]);

  it('takes images of any shape', () => {
    for (const shape of [[5], [2, 3], [4, 4, 3]]) {
      expect(samplesFromIdx(file('images', [3, ...shape]), labels)).toMatchObject({ count: 3, shape });
    }
  });

  it.each([
    ['swapped files', () => samplesFromIdx(labels, images), 'labels: images have at least 2 dimensions'],
    ['images as labels', () => samplesFromIdx(images, images), 'images: labels have 1 dimension (magic 0x801)'],
    ['other counts', () => samplesFromIdx(images, file('labels', [2])), 'it has 2 labels for the 3 images of images'],
    ['no images', () => samplesFromIdx(file('images', [0, 2, 2]), file('labels', [0])), 'it holds 0 images'],
    ['no pixels', () => samplesFromIdx(file('images', [3, 0, 2]), labels), 'an image of 0 x 2 has 0 pixels'],
    [
      'images larger than a layer',
      () => samplesFromIdx(file('images', [1, limits.layerWidthMax + 1]), file('labels', [1])),
      `expected 1 to ${limits.layerWidthMax}`,
    ],
  ])('refuses %s', (_, action, sentence) => {
    expect(fault(action)).toContain(sentence);
  });
});

describe('labels of type int32', () => {
  const images = file('images', [2, 2, 2]);
  const lists = (...values: number[]) => {
    const { bytes } = header(0, 0, 12, 2, 0, 0, 0, 2, 0, 0, 0, 3, ...new Uint8Array(24));
    for (const [i, value] of values.entries()) new DataView(bytes.buffer).setInt32(12 + 4 * i, value);
    return { name: 'lists', bytes };
  };

  it('are the first of several values for each image', () => {
    expect([...samplesFromIdx(images, lists(4, -1, 99_999, 255)).labels]).toEqual([4, 255]);
  });

  it.each([
    ['a label that no byte holds', lists(4, 0, 0, 256), 'lists: label 1 is 256, expected 0 to 255'],
    ['a negative label', lists(-1), 'lists: label 0 is -1, expected 0 to 255'],
    ['too few values', { name: 'lists', bytes: lists().bytes.subarray(0, 30) }, 'expected 36 bytes (dimensions 2 x 3)'],
    ['lists of nothing', header(0, 0, 12, 2, 0, 0, 0, 2, 0, 0, 0, 0), 'it has 0 labels for the 2 images'],
  ])('are refused with %s', (_, labels, sentence) => {
    expect(fault(() => samplesFromIdx(images, labels))).toContain(sentence);
  });
});

describe('datasetFromIdx', () => {
  const files: IdxFiles = {
    trainImages: file('train-images', [3, 2, 2]),
    trainLabels: file('train-labels', [3], [0, 4, 1]),
    testImages: file('test-images', [2, 2, 2]),
    testLabels: file('test-labels', [2], [4, 0]),
  };

  it('counts classes by the largest training label', () => {
    expect(datasetFromIdx('five', files)).toMatchObject({ name: 'five', classes: 5, test: { count: 2 } });
  });

  it('refuses a test label that training does not know', () => {
    const message = fault(() => datasetFromIdx('', { ...files, testLabels: file('test-labels', [2], [0, 5]) }));
    expect(message).toContain('test-labels: label 1 is 5, but the training set has classes 0 to 4');
  });

  it('refuses test images of another shape', () => {
    const message = fault(() => datasetFromIdx('', { ...files, testImages: file('test-images', [2, 4, 1]) }));
    expect(message).toContain('test-images: its images are 4 x 1, those of train-images 2 x 2');
  });
});
