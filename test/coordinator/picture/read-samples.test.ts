/** Tests which files `predict` can read, and the sentence for each that it cannot. */
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { encode } from 'jpeg-js';
import { afterAll, describe, expect, it } from 'vitest';
import { readSamples } from '../../../coordinator/picture/read-samples.js';
import { encodePng } from '../../../coordinator/picture/write-png.js';
import { encodeIdx } from '../../../shared/data/idx.js';
import { limits } from '../../../shared/limits.js';

const root = mkdtempSync(join(tmpdir(), 'lockstep-samples-'));
afterAll(() => rmSync(root, { recursive: true }));

function put(name: string, content: string | Uint8Array): string {
  writeFileSync(join(root, name), content);
  return join(root, name);
}

/** A dark bar on light paper. */
const bar = Uint8Array.from({ length: 40 * 40 }, (_, i) =>
  i % 40 > 15 && i % 40 < 22 && i > 200 && i < 1400 ? 0 : 255,
);
const shape = [28, 28];
const read = (path: string, wanted: readonly number[] = shape) => readSamples(path, wanted, 'auto');

it('PNG and JPEG files are read, whatever their names are', async () => {
  const [fromPng] = await read(put('a.jpg', encodePng(40, 40, bar)));
  const rgba = Buffer.from(Array.from(bar, (value) => [value, value, value, 255]).flat());
  const [fromJpeg] = await read(put('b', encode({ width: 40, height: 40, data: rgba }, 100).data));
  expect(fromPng.length).toBe(784);
  for (const [i, value] of fromPng.entries()) expect(Math.abs(fromJpeg[i] - value)).toBeLessThan(40);
});

it('a JPEG file without the tables that its pixels need is refused in a sentence', async () => {
  const frame = [0xff, 0xc0, 0, 11, 8, 0, 16, 0, 16, 1, 1, 0x11, 0];
  const scan = [0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0, 1, 2, 3, 4, 5, 6, 7, 8];
  const path = put('bare.jpg', Uint8Array.from([0xff, 0xd8, ...frame, ...scan]));
  await expect(read(path)).rejects.toThrow(/bare.jpg cannot be read: it is damaged: it lacks a part that it needs$/);
});

describe('an IDX file', () => {
  const values = Uint8Array.from({ length: 3 * 784 }, (_, i) => i % 251);

  it('has samples of the model, compressed or not', async () => {
    const file = encodeIdx({ dimensions: [3, 28, 28], values });
    for (const path of [put('a.idx', file), put('a.gz', gzipSync(file))]) {
      expect((await read(path)).map((sample) => [...sample])).toEqual(
        [0, 1, 2].map((n) => [...values.subarray(784 * n, 784 * (n + 1))]),
      );
      expect((await read(path, [28, 28, 1])).length).toBe(3);
    }
  });

  it('may have one sample, or samples that are no pictures', async () => {
    expect(await read(put('one', encodeIdx({ dimensions: [28, 28], values: values.subarray(0, 784) })))).toHaveLength(
      1,
    );
    const rows = await read(put('rows', encodeIdx({ dimensions: [2, 4], values: values.subarray(0, 8) })), [4]);
    expect(rows.map((row) => [...row])).toEqual([
      [0, 1, 2, 3],
      [4, 5, 6, 7],
    ]);
  });

  it('of images of another size is fitted like pictures', async () => {
    const path = put('large', encodeIdx({ dimensions: [1, 40, 40], values: bar }));
    const [png] = await read(put('same.png', encodePng(40, 40, bar)));
    expect(await read(path)).toEqual([png]);
  });

  it('that is damaged, or does not fit, is refused', async () => {
    const empty = put('empty.idx', encodeIdx({ dimensions: [0, 28, 28], values: new Uint8Array() }));
    await expect(read(empty)).rejects.toThrow(/it has no pixels: its dimensions are 0 x 28 x 28/);
    const file = encodeIdx({ dimensions: [3, 28, 28], values });
    await expect(read(put('cut', file.subarray(0, -1)))).rejects.toMatchObject({ code: 'data-invalid' });
    const labels = put('labels', encodeIdx({ dimensions: [3], values: values.subarray(0, 3) }));
    await expect(read(labels)).rejects.toThrow(/dimensions 3, and the model takes samples of shape \[28, 28\]/);
  });
});

describe('what is no picture', () => {
  it.each<[string, string | Uint8Array, RegExp]>([
    ['empty', '', /it is empty/],
    ['text.png', 'this is a text', /it is an SVG, or another text, which is not supported: convert it to PNG or JPEG/],
    ['gif', 'GIF89a……………', /it is a GIF, which/],
    ['webp', 'RIFF\0\0\0\0WEBPVP8 ', /it is a WebP/],
    ['heic', '\0\0\0\x18ftypheic\0\0\0\0', /it is a HEIC or AVIF/],
    ['bytes', Uint8Array.from([1, 2, 3, 4]), /neither PNG, JPEG nor IDX/],
    ['gzip', gzipSync('a text'), /no IDX file/],
    ['cut.gz', gzipSync(Buffer.alloc(9)).subarray(0, -3), /gzip data is truncated/],
    ['cut.png', encodePng(40, 40, bar).subarray(0, 50), /it is truncated/],
    ['blank.png', encodePng(40, 40, new Uint8Array(1600)), /it shows nothing/],
  ])('%s is refused', async (name, content, reason) => {
    const path = put(name, content);
    const refusal = read(path);
    await expect(refusal).rejects.toMatchObject({ code: 'picture-invalid' });
    await expect(refusal).rejects.toThrow(reason);
    await expect(refusal).rejects.toThrow(`${path} cannot be read: `);
  });

  it('a missing file, a directory and a huge file are refused', async () => {
    await expect(read(join(root, 'nowhere.png'))).rejects.toThrow(/no such file or directory/);
    mkdirSync(join(root, 'folder'));
    await expect(read(join(root, 'folder'))).rejects.toThrow(/it is a directory: name the files in it/);
    const huge = put('huge.png', encodePng(40, 40, bar));
    truncateSync(huge, limits.pictureFileBytesMax + 1);
    await expect(read(huge)).rejects.toThrow(/it has 67108865 bytes, more than/);
  });

  it('a picture for a model that takes none is refused', async () => {
    await expect(read(put('p.png', encodePng(40, 40, bar)), [784])).rejects.toThrow(
      /shape \[784\], which are no pictures/,
    );
  });
});
