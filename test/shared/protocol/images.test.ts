import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { imageBytesMax, imageEnd, packImage, packPlain, unpackImage } from '../../../shared/protocol/images.js';

/** Images of some zeros and some other values, of lengths around those of masks and groups. */
const images = fc
  .tuple(fc.oneof(fc.integer({ min: 1, max: 200 }), fc.constant(784)), fc.nat(20))
  .chain(([pixels, zeros]) => {
    const pixel = fc.oneof({ weight: zeros, arbitrary: fc.constant(0) }, { weight: 5, arbitrary: fc.nat(255) });
    return fc.array(pixel, { minLength: pixels, maxLength: pixels }).map((all) => Uint8Array.from(all));
  });

function packed(image: Uint8Array, at = 0, pack = packImage): Uint8Array {
  const into = new Uint8Array(at + imageBytesMax(image.length));
  return into.slice(0, pack(image, into, at));
}

describe('an image on the wire', () => {
  it('comes back as it was, in both forms and wherever it lies', () => {
    fc.assert(
      fc.property(images, fc.nat(9), (image, at) => {
        for (const pack of [packImage, packPlain]) {
          const bytes = packed(image, at, pack);
          const back = new Uint8Array(image.length).fill(7);
          expect(imageEnd(bytes, at, image.length)).toBe(bytes.length);
          expect(unpackImage(bytes, at, back)).toBe(bytes.length);
          expect(back).toEqual(image);
        }
      }),
    );
  });

  it('is never longer than its pixels and a byte', () => {
    fc.assert(
      fc.property(images, (image) => {
        expect(packed(image).length).toBeLessThanOrEqual(1 + image.length);
      }),
    );
  });

  it('has a group for 64 pixels, a mask for eight, and a byte for each pixel that is not 0', () => {
    const image = new Uint8Array(70);
    image.set([9, 8], 16);
    image[69] = 7;
    expect([...packed(image)]).toEqual([1, 0b100, 0b1, 0b11, 0b100000, 9, 8, 7]);
  });

  it('is refused if it is cut off, unknown, or has a bit beyond its last pixel', () => {
    const image = Uint8Array.from({ length: 70 }, (_, i) => (i % 9 === 0 ? i + 1 : 0));
    const bytes = packed(image);
    for (let end = 0; end < bytes.length; end++) expect(imageEnd(bytes.slice(0, end), 0, 70)).toBeNull();
    expect(imageEnd(Uint8Array.of(2, ...new Uint8Array(99)), 0, 70)).toBeNull();
    expect(imageEnd(Uint8Array.of(1, 0, 0b10, 0), 0, 70)).toBeNull();
    expect(imageEnd(Uint8Array.of(1, 0, 0b1, 0b100_0000, 5), 0, 70)).toBeNull();
    expect(imageEnd(Uint8Array.of(1, 0, 0b1, 0b10_0000, 5), 0, 70)).toBe(5);
  });

  it('is found valid only where it is read within its bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.integer({ min: 1, max: 150 }), (bytes, pixels) => {
        const end = imageEnd(bytes, 0, pixels);
        if (end === null) return;
        expect(unpackImage(bytes, 0, new Uint8Array(pixels))).toBe(end);
        expect(end).toBeLessThanOrEqual(bytes.length);
      }),
    );
  });
});
