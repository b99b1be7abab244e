/** Reads the files of a data set, raw or gzipped, into memory. */
import { basename } from 'node:path';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import type { Dataset } from '../../shared/data/dataset.js';
import { datasetFromIdx, type IdxFile } from '../../shared/data/idx.js';
import { LockstepError } from '../../shared/errors.js';
import { limits } from '../../shared/limits.js';
import { conventionOf } from './conventions.js';
import { type DatasetPaths, type FoundFiles, findDataset } from './directory.js';
import { describeFault } from './fault.js';
import { readOrdinaryFile } from './ordinary-file.js';
import type { PublishedDataset } from './published-dataset.js';

const gunzipBytes = promisify(gunzip);

/** A data set, and the files that it was read from. */
export interface ReadDataset extends Dataset {
  readonly files: FoundFiles;
}

/** Reads the data set in a directory, or says why the directory holds none. See `findDataset`. */
export async function readFrom(directory: string, wanted: PublishedDataset | null): Promise<ReadDataset | string> {
  const files = await findDataset(directory, wanted);
  if ('missing' in files) return files.missing;
  return { ...(await readDataset(basename(directory), files)), files };
}

/** Reads the data set of these four files. An error message names the file that is wrong. */
async function readDataset(name: string, paths: DatasetPaths & Pick<FoundFiles, 'prefix'>): Promise<Dataset> {
  const [trainImages, trainLabels, testImages, testLabels] = await Promise.all([
    readIdxFile(paths.trainImages),
    readIdxFile(paths.trainLabels),
    readIdxFile(paths.testImages),
    readIdxFile(paths.testLabels),
  ]);
  return datasetFromIdx(name, { trainImages, trainLabels, testImages, testLabels }, conventionOf(paths.prefix));
}

/**
 * Reads a whole file, and decompresses it if its content is gzip data. The name does not matter: browsers decompress
 * some files while downloading and keep the `.gz`.
 */
async function readIdxFile(path: string): Promise<IdxFile> {
  try {
    const bytes = await readOrdinaryFile(path, limits.dataFileBytesMax);
    const gzipped = bytes[0] === 0x1f && bytes[1] === 0x8b;
    return { name: path, bytes: gzipped ? await unpack(bytes) : bytes };
  } catch (error) {
    throw new LockstepError('data-invalid', `${path}: cannot be read: ${describeFault(error)}; get the file again`);
  }
}

/**
 * Decompresses gzip data in one allocation. The last four bytes of a gzip file state the decompressed size. Used as the
 * size of zlib's output chunk, that number avoids a list of chunks and their concatenation. If it is wrong, the result
 * is still right. A wrong number only costs memory, and at most the size to which these bytes could expand.
 */
function unpack(bytes: Buffer): Promise<Buffer> {
  const stated = bytes.length < 18 ? 0 : bytes.readUInt32LE(bytes.length - 4);
  const possible = Math.min(limits.dataFileBytesMax, bytes.length * expansionMax);
  const chunkSize = Math.max(64, Math.min(stated, possible));
  return gunzipBytes(bytes, { chunkSize, maxOutputLength: limits.dataFileBytesMax });
}

/** The highest compression of deflate: 2 bits can stand for 258 bytes. */
const expansionMax = 1032;
