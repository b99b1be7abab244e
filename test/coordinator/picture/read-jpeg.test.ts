/** Tests what is done around the decoder of JPEG files: size, orientation, and clear errors. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { encode } from 'jpeg-js';
import { describe, expect, it } from 'vitest';
import { turned, uprightOf } from '../../../coordinator/picture/orientation.js';
import { MalformedPicture, type Picture } from '../../../coordinator/picture/picture.js';
import { decodeJpeg } from '../../../coordinator/picture/read-jpeg.js';

/** A picture whose upper left quarter is red, and whose rest is blue. */
function quarter(width: number, height: number): Buffer {
  const data = Buffer.alloc(4 * width * height);
  for (let i = 0; i < width * height; i++) {
    const isRed = i % width < width / 2 && Math.floor(i / width) < height / 2;
    data.set(isRed ? [255, 0, 0, 255] : [0, 0, 255, 255], 4 * i);
  }
  return encode({ width, height, data }, 95).data;
}

/** The same with an Exif orientation, in one byte order or the other. */
function oriented(file: Buffer, orientation: number, order: 'II' | 'MM'): Buffer {
  const little = order === 'II';
  const tiff = Buffer.alloc(8 + 2 + 12 + 4);
  const u16 = (value: number, at: number) => (little ? tiff.writeUInt16LE(value, at) : tiff.writeUInt16BE(value, at));
  const u32 = (value: number, at: number) => (little ? tiff.writeUInt32LE(value, at) : tiff.writeUInt32BE(value, at));
  tiff.write(order, 0, 'latin1');
  u16(42, 2);
  u32(8, 4);
  u16(1, 8);
  u16(0x0112, 10);
  u16(3, 12);
  u32(1, 14);
  u16(orientation, 18);
  const content = Buffer.concat([Buffer.from('Exif\0\0', 'latin1'), tiff]);
  const head = Buffer.from([0xff, 0xe1, (content.length + 2) >> 8, (content.length + 2) & 255]);
  return Buffer.concat([file.subarray(0, 2), head, content, file.subarray(2)]);
}

/** Where the red quarter is. */
async function redCorner(file: Buffer) {
  const { width, height, rgba } = await decodeJpeg(file);
  const redAt = (x: number, y: number) => rgba[4 * (y * width + x)] > 128;
  const corners = [redAt(2, 2), redAt(width - 3, 2), redAt(2, height - 3), redAt(width - 3, height - 3)];
  return { width, height, corner: corners.indexOf(true) };
}

it.each([
  [1, 48, 32, 0],
  [2, 48, 32, 1],
  [3, 48, 32, 3],
  [4, 48, 32, 2],
  [5, 32, 48, 0],
  [6, 32, 48, 1],
  [7, 32, 48, 3],
  [8, 32, 48, 2],
])('orientation %i turns the picture upright', async (orientation, width, height, corner) => {
  for (const order of ['II', 'MM'] as const) {
    expect(await redCorner(oriented(quarter(48, 32), orientation, order))).toEqual({ width, height, corner });
  }
});

it('a nonsensical orientation is ignored', async () => {
  expect(await redCorner(oriented(quarter(48, 32), 77, 'II'))).toMatchObject({ width: 48, corner: 0 });
  for (let length = 0; length < 40; length++)
    expect(uprightOf(Buffer.alloc(length, 'Exif\0\0II*\0\xff\xff'))).toBeNull();
});

it('turning by a quarter four times changes nothing', () => {
  const picture: Picture = { width: 3, height: 2, rgba: Uint8Array.from({ length: 24 }, (_, i) => i) };
  const round = [6, 6, 6, 6].reduce((turning, orientation) => turned(turning, orientation), picture);
  expect(round).toEqual(picture);
});

it('a picture of a browser is read', async () => {
  const file = readFileSync(
    fileURLToPath(new URL('../../../../coordinator/page/pictures/join-phone.jpg', import.meta.url)),
  );
  const { width, height, rgba } = await decodeJpeg(file);
  expect(rgba.length).toBe(4 * width * height);
  expect(new Set(rgba).size).toBeGreaterThan(100);
});

describe('a JPEG that cannot be read is refused:', () => {
  const file = quarter(16, 16);
  const frameAt = file.indexOf(Buffer.from([0xff, 0xc0]));
  /** The file with these bytes in its frame header. */
  const changed = (at: number, ...bytes: number[]) => {
    const copy = Buffer.from(file);
    copy.set(bytes, frameAt + at);
    return copy;
  };
  it.each<[string, Buffer, RegExp]>([
    ['arithmetic coding', changed(1, 0xc9), /rare kind/],
    ['lossless', changed(1, 0xc3), /rare kind/],
    ['12 bits', changed(4, 12), /12 bits per colour/],
    ['too large', changed(5, 255, 255, 255, 255), /65535 x 65535, more than 40 million pixels/],
    ['no height', changed(5, 0, 0), /16 x 0, which has no pixels/],
    ['two colours', changed(9, 2), /2 colours/],
    [
      'no frame',
      Buffer.concat([file.subarray(0, frameAt), file.subarray(file.indexOf(Buffer.from([0xff, 0xda])))]),
      /how large/,
    ],
    ['only its first bytes', file.subarray(0, 4), /truncated/],
  ])('%s', async (_, bytes, reason) => {
    const decoding = decodeJpeg(bytes);
    await expect(decoding).rejects.toThrow(MalformedPicture);
    await expect(decoding).rejects.toThrow(reason);
  });

  it('cut off or changed anywhere, it is refused or read, and fails in no other way', async () => {
    const ending = async (bytes: Buffer) => {
      const result = await decodeJpeg(bytes).catch((error: unknown) => error);
      if (result instanceof Error) expect(result).toBeInstanceOf(MalformedPicture);
    };
    for (let length = 3; length < file.length; length += 5) await ending(file.subarray(0, length));
    for (let at = 3; at < file.length; at += 3) {
      const copy = Buffer.from(file);
      copy[at] ^= 0x5a;
      await ending(copy);
    }
  });
});
