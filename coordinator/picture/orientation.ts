/**
 * Turns photos upright. A camera stores the pixels as its sensor reads them, and says in the Exif data how they are to be
 * turned: 1 not at all, 2 mirrored, 3 by half a turn, … 6 and 8 by a quarter.
 */
import type { Picture } from './picture.js';

const tag = 0x0112;

/** The orientation in the content of an APP1 segment, or null if there is none that makes sense. */
export function uprightOf(content: Uint8Array): number | null {
  const isExif = Buffer.from(content.subarray(0, 6)).toString('latin1') === 'Exif\0\0';
  if (!isExif || content.length < 14) return null;
  const tiff = new DataView(content.buffer, content.byteOffset + 6, content.byteLength - 6);
  const isLittle = tiff.getUint16(0) === 0x4949;
  const directory = tiff.getUint32(4, isLittle);
  if (directory + 2 > tiff.byteLength) return null;
  const entries = tiff.getUint16(directory, isLittle);
  for (let n = 0; n < entries; n++) {
    const at = directory + 2 + 12 * n;
    if (at + 12 > tiff.byteLength) return null;
    if (tiff.getUint16(at, isLittle) !== tag) continue;
    const orientation = tiff.getUint16(at + 8, isLittle);
    return orientation >= 1 && orientation <= 8 ? orientation : null;
  }
  return null;
}

/** Turns a picture as an orientation says. */
export function turned(picture: Picture, orientation: number): Picture {
  if (orientation === 1) return picture;
  const { width, height, rgba } = picture;
  const isSwapped = orientation >= 5;
  const [columns, rows] = isSwapped ? [height, width] : [width, height];
  const source = sources[orientation];
  // Pixels are copied as whole words.
  const from = new Uint32Array(rgba.buffer, rgba.byteOffset, width * height);
  const to = new Uint32Array(width * height);
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++) to[y * columns + x] = from[source(x, y, width, height)];
  }
  return { width: columns, height: rows, rgba: new Uint8Array(to.buffer) };
}

/** For each orientation, the place of the stored pixel that is shown at x, y. */
const sources: Readonly<Record<number, (x: number, y: number, width: number, height: number) => number>> = {
  2: (x, y, width) => y * width + (width - 1 - x),
  3: (x, y, width, height) => (height - 1 - y) * width + (width - 1 - x),
  4: (x, y, width, height) => (height - 1 - y) * width + x,
  5: (x, y, width) => x * width + y,
  6: (x, y, width, height) => (height - 1 - x) * width + y,
  7: (x, y, width, height) => (height - 1 - x) * width + (width - 1 - y),
  8: (x, y, width) => x * width + (width - 1 - y),
};
