/** Tests the PNG reader against files of every kind, which this file writes in its own way. */
import { crc32, deflateSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { MalformedPicture } from '../../../coordinator/picture/picture.js';
import { decodePng } from '../../../coordinator/picture/read-png.js';
import { encodePng } from '../../../coordinator/picture/write-png.js';

interface Described {
  readonly width: number;
  readonly height: number;
  readonly depth: number;
  /** The colour type of the format. */
  readonly type: number;
  readonly interlaced?: boolean;
  /** The filter of line y. */
  readonly filter?: (y: number) => number;
  /** Sample c of pixel x, y, below 2^depth. */
  readonly sample: (x: number, y: number, c: number) => number;
  /** Chunks between the header and the pixels. */
  readonly more?: readonly Buffer[];
}

const samplesOf: Record<number, number> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };

function chunk(type: string, content: Uint8Array): Buffer {
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(content.length);
  sum.writeUInt32BE(crc32(Buffer.concat([Buffer.from(type), content])));
  return Buffer.concat([length, Buffer.from(type), content, sum]);
}

function headerOf({ width, height, depth, type, interlaced = false }: Described): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([depth, type, 0, 0, interlaced ? 1 : 0], 8);
  return header;
}

const signature = Buffer.from('89504e470d0a1a0a', 'hex');

function pngOf(described: Described, pixels = deflateSync(linesOf(described))): Buffer {
  const { more = [] } = described;
  const middle = pixels.length >> 1;
  const data = [chunk('IDAT', pixels.subarray(0, middle)), chunk('IDAT', pixels.subarray(middle))];
  const parts = [signature, chunk('IHDR', headerOf(described)), ...more, ...data, chunk('IEND', Buffer.alloc(0))];
  return Buffer.concat(parts);
}

/** The filtered lines of all passes. */
function linesOf({ width, height, depth, type, interlaced = false, filter = () => 0, sample }: Described): Buffer {
  const lines: Buffer[] = [];
  for (const columnsAndRows of interlaced ? adam7(width, height) : [[range(width), range(height)]]) {
    const [columns, rows] = columnsAndRows;
    let above: number[] | null = null;
    for (const [line, y] of rows.entries()) {
      if (columns.length === 0) continue;
      const bits = columns.flatMap((x) =>
        range(samplesOf[type]).map((c) => sample(x, y, c).toString(2).padStart(depth, '0')),
      );
      const bytes = bits
        .join('')
        .match(/.{1,8}/g)!
        .map((byte) => Number.parseInt(byte.padEnd(8, '0'), 2));
      const before: number[] = above ?? bytes.map(() => 0);
      const back = Math.max(1, (depth * samplesOf[type]) / 8);
      const kind = filter(line);
      const stored = bytes.map(
        (byte, i) => byte - predicted(kind, bytes[i - back] ?? 0, before[i], before[i - back] ?? 0),
      );
      lines.push(Buffer.from([kind, ...stored.map((byte) => byte & 255)]));
      above = bytes;
    }
  }
  return Buffer.concat(lines);
}

function predicted(filter: number, left: number, above: number, corner: number): number {
  if (filter === 4) {
    const base = left + above - corner;
    return [left, above, corner].reduce((best, next) => (Math.abs(base - next) < Math.abs(base - best) ? next : best));
  }
  return [0, left, above, Math.floor((left + above) / 2)][filter];
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}

/** The columns and rows of the seven passes, from the picture of 8 x 8 in the standard. */
function adam7(width: number, height: number): number[][][] {
  const pattern = ['16462646', '77777777', '56565656', '77777777', '36463646', '77777777', '56565656', '77777777'];
  return range(7).map((pass) => {
    const isOf = (x: number, y: number) => pattern[y % 8][x % 8] === String(pass + 1);
    const columns = range(width).filter((x) => range(8).some((y) => isOf(x, y)));
    return [columns, range(height).filter((y) => range(8).some((x) => isOf(x, y)))];
  });
}

/** A sample that looks like noise, and depends on all three. */
const noise = (depth: number) => (x: number, y: number, c: number) =>
  ((x * 7919 + y * 104729 + c * 1299709 + x * y * 31) >> 3) % 2 ** depth;

const toByte = (value: number, depth: number) => (depth === 16 ? value >> 8 : (255 * value) / (2 ** depth - 1));

describe.each([
  [0, [1, 2, 4, 8, 16]],
  [2, [8, 16]],
  [4, [8, 16]],
  [6, [8, 16]],
])('colour type %i', (type, depths) => {
  it.each(depths)('with %i bits is read, in every filter, interlaced or not, at any size', (depth) => {
    for (const interlaced of [false, true]) {
      for (const [width, height] of [
        [1, 1],
        [2, 3],
        [9, 5],
        [13, 16],
      ]) {
        const sample = noise(depth);
        const file = pngOf({ width, height, depth, type, interlaced, filter: (y) => y % 5, sample });
        const { rgba, ...size } = decodePng(file);
        expect(size).toEqual({ width, height });
        const isGrey = type === 0 || type === 4;
        const expected = range(4 * width * height).map((i) => {
          const [x, y, c] = [(i >> 2) % width, Math.floor((i >> 2) / width), i % 4];
          if (c === 3) return type >= 4 ? toByte(sample(x, y, isGrey ? 1 : 3), depth) : 255;
          return toByte(sample(x, y, isGrey ? 0 : c), depth);
        });
        expect([...rgba]).toEqual(expected);
      }
    }
  });
});

const palette = chunk('PLTE', Buffer.from([1, 2, 3, 40, 50, 60, 70, 80, 90]));

it.each([2, 4, 8])('a palette of %i bits is looked up, with its alphas', (depth) => {
  const more = [palette, chunk('tRNS', Buffer.from([0, 128]))];
  const { rgba } = decodePng(pngOf({ width: 3, height: 1, depth, type: 3, sample: (x) => x, more }));
  expect([...rgba]).toEqual([1, 2, 3, 0, 40, 50, 60, 128, 70, 80, 90, 255]);
});

it.each([8, 16])('one colour of %i bits can be transparent', (depth) => {
  const grey = { width: 2, height: 1, depth, sample: (x: number) => x + 7 };
  const key = Buffer.from([0, 8]);
  const { rgba } = decodePng(pngOf({ ...grey, type: 0, more: [chunk('tRNS', key)] }));
  expect([rgba[3], rgba[7]]).toEqual([255, 0]);
  const colour = decodePng(pngOf({ ...grey, type: 2, more: [chunk('tRNS', Buffer.concat([key, key, key]))] }));
  expect([colour.rgba[3], colour.rgba[7]]).toEqual([255, 0]);
});

test('what our own writer writes is read', () => {
  const pixels = Uint8Array.from({ length: 3 * 6 }, (_, i) => 11 * i);
  const { rgba } = decodePng(encodePng(3, 2, pixels));
  expect([...rgba.filter((_, i) => i % 4 < 3)]).toEqual([...pixels]);
  expect([...decodePng(encodePng(3, 2, pixels.subarray(0, 6))).rgba.filter((_, i) => i % 4 === 0)]).toEqual([
    ...pixels.subarray(0, 6),
  ]);
});

const small: Described = { width: 3, height: 2, depth: 8, type: 0, sample: noise(8) };

it.each<[string, () => Buffer, RegExp]>([
  ['no pixels', () => pngOf({ ...small, width: 0 }), /0 x 2, which has no pixels/],
  ['fewer pixels than it says', () => pngOf({ ...small, width: 100_000 }, deflateSync(Buffer.alloc(9))), /truncated/],
  [
    'a huge size',
    () => pngOf({ ...small, width: 1 << 30, height: 1 << 30 }, Buffer.alloc(9)),
    /more than 40 million pixels/,
  ],
  [
    'more pixels than it says',
    () => pngOf(small, deflateSync(Buffer.alloc(50_000_000))),
    /more pixels than its header says/,
  ],
  [
    'an unknown colour type',
    () => pngOf({ ...small, type: 5 }, Buffer.alloc(0)),
    /invalid depth, colour type or method \(8, 5, 0, 0, 0\)/,
  ],
  ['a depth that its type cannot have', () => pngOf({ ...small, type: 2, depth: 4 }), /invalid depth/],
  ['an unknown filter', () => pngOf(small, deflateSync(Buffer.alloc(8, 9))), /unknown filter, 9/],
  ['pixels that are no zlib data', () => pngOf(small, Buffer.from('no zlib data at all')), /cannot be decompressed/],
  [
    'a colour that is not in the palette',
    () => pngOf({ ...small, type: 3, sample: (x) => x + 1, more: [palette] }),
    /palette has no colour 3/,
  ],
  ['no palette', () => pngOf({ ...small, type: 3 }), /palette has no colour/],
  ['no header', () => Buffer.concat([signature, chunk('IDAT', Buffer.alloc(3))]), /begins with IDAT and not IHDR/],
])('a file with %s is refused', (_, file, reason) => {
  expect(() => decodePng(file())).toThrow(MalformedPicture);
  expect(() => decodePng(file())).toThrow(reason);
});

it('a file that is cut off or changed anywhere is refused', () => {
  const file = pngOf({ ...small, filter: (y) => y });
  for (let length = 8; length < file.length; length++) {
    expect(() => decodePng(file.subarray(0, length)), `${length} bytes`).toThrow(/truncated/);
  }
  fc.assert(
    fc.property(fc.integer({ min: 8, max: file.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, change) => {
      const changed = Buffer.from(file);
      changed[at] ^= change;
      expect(() => decodePng(changed)).toThrow(MalformedPicture);
    }),
  );
});
