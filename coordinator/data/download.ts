/**
 * Downloads the files of a published data set into a cache directory, and unpacks archives. Each file is written to a
 * temporary file of this process, its SHA-256 is compared, and only then is it renamed. So the cache never holds a partial
 * or wrong file under a final name: several processes may fill one cache at the same time, and any of them may be
 * interrupted.
 */
import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { access, constants, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { LockstepError } from '../../shared/errors.js';
import { limits } from '../../shared/limits.js';
import { describeFault } from './fault.js';
import { isPacked, type PublishedDataset, type PublishedFile } from './published-dataset.js';
import { type DownloadProgress, received, verified, Watchdog } from './transfer.js';
import { unzip } from './unzip.js';

export type { DownloadProgress };

export interface DownloadOptions {
  readonly mirrors?: readonly string[];
  readonly stallMs?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: DownloadProgress) => void;
}

const remedy = 'Check the network, or pass --data DIR with the four files';

const partial = '.part';

/** Downloads every file that is missing or damaged in `directory`. */
export async function fillCache(directory: string, published: PublishedDataset, options: DownloadOptions) {
  try {
    await mkdir(directory, { recursive: true });
    await access(directory, constants.W_OK);
    await removeLeftovers(directory);
  } catch (error) {
    const message = `The cache ${directory} cannot be written: ${describeFault(error)}; set XDG_CACHE_HOME, or pass --data DIR`;
    throw new LockstepError('data-unavailable', message);
  }
  for (const file of published.files) {
    if (await isWhole(join(directory, file.name), file)) continue;
    await downloadFile(directory, file, options.mirrors ?? published.mirrors, options);
  }
}

/** Whether all files in `directory` have the published hashes. Files of an archive have none: they only have to be there. */
export async function areWhole(directory: string, { files }: PublishedDataset): Promise<boolean> {
  const checked = files.map(async (file) => file.unpacked !== undefined || isWhole(join(directory, file.name), file));
  return (await Promise.all(checked)).every((isWhole) => isWhole);
}

async function isWhole(path: string, file: PublishedFile): Promise<boolean> {
  const size = await stat(path).then(
    (found) => found.size,
    () => -1,
  );
  if (isPacked(file) ? size < 0 : size !== file.bytes) return false;
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex') === file.sha256;
}

/** Downloads one file, trying the mirrors in turn until one of them delivers it. */
async function downloadFile(
  directory: string,
  file: PublishedFile,
  mirrors: readonly string[],
  options: DownloadOptions,
): Promise<void> {
  const faults: string[] = [];
  for (const mirror of mirrors) {
    try {
      return await downloadFrom(`${mirror}${file.name}${isPacked(file) ? '' : '.gz'}`, directory, file, options);
    } catch (error) {
      if (options.signal?.aborted) {
        throw new LockstepError('interrupted', `The download of ${file.name} was interrupted; start again to fetch it`);
      }
      faults.push(`${new URL(mirror).host}: ${describeFault(error)}`);
    }
  }
  const why = faults.length > 0 ? faults.join('; ') : 'no mirror is configured';
  throw new LockstepError('data-unavailable', `Cannot download ${file.name}: ${why}. ${remedy}.`);
}

async function downloadFrom(
  url: string,
  directory: string,
  file: PublishedFile,
  options: DownloadOptions,
): Promise<void> {
  const temporary = temporaryIn(directory, file.name);
  const watchdog = new Watchdog(options.stallMs ?? limits.downloadStallMs);
  const signal = options.signal ? AbortSignal.any([watchdog.signal, options.signal]) : watchdog.signal;
  try {
    const response = await fetch(url, { signal, headers: { 'accept-encoding': 'identity' } });
    if (!response.ok || response.body === null) throw new Error(`HTTP status ${response.status}`);
    // Some servers send every .gz file with a Content-Encoding. Then `fetch` has already decompressed it.
    const isDecompressed = response.headers.has('content-encoding');
    if (isDecompressed && isPacked(file))
      throw new Error('it sends a Content-Encoding, so the hash cannot be compared');
    // The file is opened here and not by the stream: after an interrupt, a stream could create the file again once it
    // was removed below.
    const target = await open(temporary, 'wx');
    await pipeline(
      response.body,
      received(file, Number(response.headers.get('content-length')), watchdog, options.onProgress),
      isDecompressed || isPacked(file) ? new PassThrough() : createGunzip(),
      verified(file),
      target.createWriteStream({ flush: true }),
      { signal },
    );
    if (file.unpacked === undefined) await rename(temporary, join(directory, file.name));
    else await unpack(temporary, directory, file.unpacked, options.signal);
    await syncDirectory(directory);
  } catch (error) {
    throw watchdog.expired ?? error;
  } finally {
    watchdog.close();
    await rm(temporary, { force: true });
  }
}

/** Unpacks files of a downloaded archive into `directory`. */
async function unpack(archive: string, directory: string, names: readonly string[], signal: AbortSignal | undefined) {
  for (const name of names) {
    const temporary = temporaryIn(directory, name);
    try {
      await unzip(archive, name, temporary, signal);
      await rename(temporary, join(directory, name));
    } finally {
      await rm(temporary, { force: true });
    }
  }
}

function temporaryIn(directory: string, name: string): string {
  return join(directory, `${name}.${process.pid}-${randomBytes(6).toString('hex')}${partial}`);
}

/**
 * Removes temporary files of killed processes. A file that was not written to for `downloadLeftoverMs` belongs to a
 * killed process, because a running download would have stalled and ended long before.
 */
async function removeLeftovers(directory: string): Promise<void> {
  const names = (await readdir(directory)).filter((name) => name.endsWith(partial));
  for (const path of names.map((name) => join(directory, name))) {
    const changedMs = await stat(path).then(
      (found) => found.mtimeMs,
      () => Number.POSITIVE_INFINITY,
    );
    if (Date.now() - changedMs > limits.downloadLeftoverMs) await rm(path, { force: true });
  }
}

/** Makes sure that a rename survives a power cut. Windows cannot open a directory, and does not need this. */
async function syncDirectory(directory: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(directory);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
