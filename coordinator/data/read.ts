/** Reads the files of a data set, raw or gzipped, each into memory once. */
import { open, stat } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import type { Dataset } from '../../shared/data/dataset.js';
import { datasetFromIdx, type IdxFile } from '../../shared/data/idx.js';
import { LockstepError } from '../../shared/errors.js';
import { limits } from '../../shared/limits.js';
import type { DatasetPaths } from './directory.js';
import { describeFault } from './fault.js';

const gunzipBytes = promisify(gunzip);

/** The data set in four files; messages name the file that is at fault. */
export async function readDataset(name: string, paths: DatasetPaths): Promise<Dataset> {
  const [trainImages, trainLabels, testImages, testLabels] = await Promise.all([
    readIdxFile(paths.trainImages),
    readIdxFile(paths.trainLabels),
    readIdxFile(paths.testImages),
    readIdxFile(paths.testLabels),
  ]);
  return datasetFromIdx(name, { trainImages, trainLabels, testImages, testLabels });
}

/** A whole file, decompressed if it is gzip data, whatever its name says: browsers unpack files and keep the `.gz`. */
async function readIdxFile(path: string): Promise<IdxFile> {
  try {
    const bytes = await readLimited(path);
    const gzipped = bytes[0] === 0x1f && bytes[1] === 0x8b;
    return { name: path, bytes: gzipped ? await unpack(bytes) : bytes };
  } catch (error) {
    throw new LockstepError('data-invalid', `${path}: cannot be read: ${describeFault(error)}; get the file again`);
  }
}

async function readLimited(path: string): Promise<Buffer> {
  const { size } = await stat(path);
  if (size > limits.dataFileBytesMax) throw new Error(`it has ${size} bytes, allowed are ${limits.dataFileBytesMax}`);
  const file = await open(path);
  try {
    return await file.readFile();
  } finally {
    await file.close();
  }
}

/**
 * The trailer of a gzip file states the decompressed size. As the size of zlib's output chunk it makes the result one
 * allocation instead of a list of chunks and their concatenation. It is a hint: a wrong one costs memory, no more, and
 * no more than the format could expand these bytes to.
 */
function unpack(bytes: Buffer): Promise<Buffer> {
  const stated = bytes.length < 18 ? 0 : bytes.readUInt32LE(bytes.length - 4);
  const possible = Math.min(limits.dataFileBytesMax, bytes.length * expansionMax);
  const chunkSize = Math.max(64, Math.min(stated, possible));
  return gunzipBytes(bytes, { chunkSize, maxOutputLength: limits.dataFileBytesMax });
}

/** Deflate's best: 258 bytes from 2 bits. */
const expansionMax = 1032;
