/**
 * Draws generated digits into a PNG, with one row for each digit. The page shared/data/digits/README.md shows it.
 *
 *     node dist/test/shared/data/contact-sheet.js shared/data/digits/contact-sheet.png
 */
import { writeFileSync } from 'node:fs';
import { crc32, deflateSync } from 'node:zlib';
import type { Samples } from '../../../shared/data/dataset.js';
import { generateDigits } from '../../../shared/data/digits/generate.js';

const COLUMNS = 20;

/** Puts the first images of every label side by side, with dark ink on a light background. */
function sheet({ images, labels, shape }: Samples): { width: number; pixels: Uint8Array } {
  const side = shape[0];
  const width = COLUMNS * side;
  const pixels = new Uint8Array(10 * side * width);
  const drawn = new Array<number>(10).fill(0);
  for (const [i, label] of labels.entries()) {
    const column = drawn[label]++;
    if (column >= COLUMNS) continue;
    for (let y = 0; y < side; y++) {
      const row = images.subarray((i * side + y) * side, (i * side + y + 1) * side);
      pixels.set(row, (label * side + y) * width + column * side);
    }
  }
  return { width, pixels: pixels.map((ink) => 255 - ink) };
}

/** Encodes pixels as a PNG: 8-bit greyscale, without a filter. */
function png(width: number, pixels: Uint8Array): Buffer {
  const height = pixels.length / width;
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = 8;
  const lines = Buffer.alloc((width + 1) * height);
  for (let y = 0; y < height; y++) lines.set(pixels.subarray(y * width, (y + 1) * width), y * (width + 1) + 1);
  const signature = Buffer.from('89504e470d0a1a0a', 'hex');
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(lines)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const framed = Buffer.alloc(body.length + 8);
  framed.writeUInt32BE(data.length, 0);
  body.copy(framed, 4);
  framed.writeUInt32BE(crc32(body), body.length + 4);
  return framed;
}

const { width, pixels } = sheet(generateDigits({ seed: 1, train: 1000, test: 1 }).train);
writeFileSync(process.argv[2], png(width, pixels));
