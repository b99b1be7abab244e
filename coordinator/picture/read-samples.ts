/** Reads files for a model: pictures, and IDX files of many images. The content decides what a file is, not its name. */
import type { FileHandle } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { parseIdx } from '../../shared/data/idx.js';
import { LockstepError } from '../../shared/errors.js';
import { limits } from '../../shared/limits.js';
import { describeFault } from '../data/fault.js';
import { openAtOnce } from '../data/ordinary-file.js';
import type { Fit } from './fit.js';
import { checkSize, MalformedPicture, type Picture } from './picture.js';
import { decodeJpeg, isJpeg } from './read-jpeg.js';
import { decodePng, isPng } from './read-png.js';
import { frameOf, sampleOf } from './sample-of.js';

const gunzipBytes = promisify(gunzip);

/**
 * The samples in a file, one byte per pixel, for a model that takes samples of `shape`. A picture is one sample, an IDX file
 * has one or many. Rejects with `picture-invalid`, or with `data-invalid` for a damaged IDX file.
 */
export async function readSamples(path: string, shape: readonly number[], fit: Fit): Promise<Uint8Array[]> {
  try {
    const bytes = await bytesIn(path);
    if (isIdx(bytes)) return samplesOfIdx(path, bytes, shape, fit);
    const picture = isPng(bytes) ? decodePng(bytes) : await decodeJpeg(bytes);
    return [fitted(picture, shape, fit)];
  } catch (error) {
    if (error instanceof LockstepError) throw error;
    throw new LockstepError('picture-invalid', `${path} cannot be read: ${describeFault(error)}`);
  }
}

function fitted(picture: Picture, shape: readonly number[], fit: Fit): Uint8Array {
  const frame = frameOf(shape);
  if (frame !== null) return sampleOf(picture, frame, fit);
  const taken = `the model takes samples of shape [${shape.join(', ')}], which are no pictures`;
  throw new MalformedPicture(`${taken}: give it an IDX file of such samples`);
}

/** The content of a file, decompressed. */
async function bytesIn(path: string): Promise<Uint8Array> {
  const file = await openAtOnce(path);
  try {
    const found = await file.stat();
    if (found.isDirectory()) throw new MalformedPicture('it is a directory: name the files in it');
    if (!found.isFile()) throw new MalformedPicture('it is no ordinary file');
    const head = Buffer.alloc(16);
    await file.read(head, 0, head.length, 0);
    return await readAs(kindOf(head, found.size), file, found.size);
  } finally {
    await file.close();
  }
}

type FileKind = 'picture' | 'idx' | 'gzip';

function kindOf(head: Buffer, size: number): FileKind {
  if (size === 0) throw new MalformedPicture('it is empty');
  if (isPng(head) || isJpeg(head)) return 'picture';
  if (isIdx(head)) return 'idx';
  if (head[0] === 0x1f && head[1] === 0x8b) return 'gzip';
  const text = head.toString('latin1');
  const other = Object.keys(others).find((name) => others[name].test(text));
  const what = other === undefined ? 'it is neither PNG, JPEG nor IDX' : `it is ${other}, which is not supported`;
  throw new MalformedPicture(`${what}: convert it to PNG or JPEG`);
}

async function readAs(kind: FileKind, file: FileHandle, size: number): Promise<Uint8Array> {
  const most = kind === 'picture' ? limits.pictureFileBytesMax : limits.dataFileBytesMax;
  if (size > most) throw new MalformedPicture(`it has ${size} bytes, more than ${most}`);
  const bytes = await file.readFile();
  if (kind !== 'gzip') return bytes;
  const unpacked = await gunzipBytes(bytes, { maxOutputLength: limits.dataFileBytesMax });
  if (isIdx(unpacked)) return unpacked;
  throw new MalformedPicture('the file in it is no IDX file');
}

function isIdx(bytes: Uint8Array): boolean {
  return bytes[0] === 0 && bytes[1] === 0 && bytes[2] === 8;
}

/** Other formats that people may try, by their first 16 bytes. */
const others: Readonly<Record<string, RegExp>> = {
  'a GIF': /^GIF8/,
  'a bitmap of Windows': /^BM/,
  'a WebP': /^RIFF....WEBP/s,
  'a HEIC or AVIF': /^....ftyp/s,
  'a TIFF': /^(II\*\0|MM\0\*)/,
  'a PDF': /^%PDF/,
  'an SVG, or another text': /^[\w<{#[("'\s-]{4}/,
};

/** Images of another size than the model's are fitted like pictures. */
function samplesOfIdx(name: string, bytes: Uint8Array, shape: readonly number[], fit: Fit): Uint8Array[] {
  const { dimensions, values } = parseIdx({ name, bytes });
  if (dimensions.includes(0))
    throw new MalformedPicture(`it has no pixels: its dimensions are ${dimensions.join(' x ')}`);
  const pixels = shape.reduce((product, extent) => product * extent, 1);
  const isOne = sameShape(dimensions, shape);
  if (isOne || sameShape(dimensions.slice(1), shape)) {
    const count = isOne ? 1 : dimensions[0];
    return Array.from({ length: count }, (_, i) => values.subarray(i * pixels, (i + 1) * pixels));
  }
  if (dimensions.length < 2 || dimensions.length > 3) {
    const wanted = `the model takes samples of shape [${shape.join(', ')}]`;
    throw new MalformedPicture(`it has the dimensions ${dimensions.join(' x ')}, and ${wanted}`);
  }
  const [height, width] = dimensions.slice(-2);
  checkSize(width, height);
  const count = dimensions.length === 3 ? dimensions[0] : 1;
  return Array.from({ length: count }, (_, i) => {
    const image = values.subarray(i * width * height, (i + 1) * width * height);
    return fitted({ width, height, rgba: opaque(image) }, shape, fit);
  });
}

/** Whether two shapes are equal. One channel is the same as none. */
function sameShape(a: readonly number[], b: readonly number[]): boolean {
  const extents = (shape: readonly number[]) => (shape.length === 3 && shape[2] === 1 ? shape.slice(0, 2) : shape);
  return extents(a).join() === extents(b).join();
}

/** A grey image as a picture. */
function opaque(image: Uint8Array): Uint8Array {
  return Uint8Array.from({ length: 4 * image.length }, (_, i) => (i % 4 === 3 ? 255 : image[i >> 2]));
}
