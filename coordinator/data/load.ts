/**
 * Loads a data set from the first place that has one: the directory that the user named, the directory in
 * LOCKSTEP_DATA, the user's cache, or the mirrors. If all of them fail and the options allow it, it generates digits.
 * This file decides the order and the messages. Other files of this folder find, read and download.
 */
import { homedir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { cacheDirectory, type Environment } from '../../shared/cache-directory.js';
import type { Dataset } from '../../shared/data/dataset.js';
import { type DigitsOptions, generateDigits } from '../../shared/data/digits/generate.js';
import { LockstepError } from '../../shared/errors.js';
import { findDataset } from './directory.js';
import { type DownloadProgress, fillCache } from './download.js';
import type { EarlyReading } from './early.js';
import { datasetSha256 } from './hash.js';
import { mnist, type PublishedDataset } from './mnist.js';
import { readDataset } from './read.js';

export interface LoadOptions {
  /**
   * `auto`: the data set in `directory` if that is given; otherwise MNIST, or generated digits if MNIST cannot be
   * loaded. `mnist`: the same, but an error instead of generated digits. `digits`: always generated digits.
   */
  readonly dataset: 'auto' | 'mnist' | 'digits';
  /** A directory of IDX files. If it holds no data set, loading fails. */
  readonly directory?: string;
  /** The variables LOCKSTEP_DATA and those that name the cache directory. Default: the process's environment. */
  readonly environment?: Environment;
  /** A data set that is being read already, if it is that of the first directory. */
  readonly early?: EarlyReading | undefined;
  /** The data set to download if the cache lacks it. Default: MNIST. */
  readonly published?: PublishedDataset;
  /** Mirrors to use instead of those of `published`. An empty list forbids downloads. */
  readonly mirrors?: readonly string[];
  /** When no byte of a download arrives for this time, the next mirror is tried. Default: `limits.downloadStallMs`. */
  readonly stallMs?: number;
  /** Interrupts a download. Its partial file is removed. */
  readonly signal?: AbortSignal;
  /** Called when a download begins (with 0 bytes) and for every piece that arrives. */
  readonly onProgress?: (progress: DownloadProgress) => void;
  /** Called at most once per load. */
  readonly onWarning?: (message: string) => void;
  /** Options of the generated digits. Default: seed 1, 60,000 training images and 10,000 test images. */
  readonly digits?: Partial<DigitsOptions>;
}

export interface LoadedDataset extends Dataset {
  /** Identifies the data set; see `datasetSha256`. */
  readonly sha256: string;
  /** The directory that the user named, as an absolute path; null for a published set and for generated digits. */
  readonly directory: string | null;
}

export async function loadDataset(options: LoadOptions): Promise<LoadedDataset> {
  const { dataset, directory } = options;
  if (dataset === 'digits') return loadDigits(options);
  if (directory !== undefined) return loadGiven(directory, options.early);
  const named = (options.environment ?? process.env).LOCKSTEP_DATA;
  const passedOver = named ? await loadIfThere(named, options.early) : '';
  if (typeof passedOver !== 'string') return passedOver;
  // The user named a directory that cannot be used, so the warning must mention it.
  const remark = named ? `LOCKSTEP_DATA names ${named}, which holds no data set: ${passedOver}.` : '';
  try {
    const loaded = await loadPublished(options);
    if (remark) options.onWarning?.(`${remark} Training on the cached ${loaded.name} instead.`);
    return loaded;
  } catch (error) {
    if (dataset === 'mnist' || options.signal?.aborted || !(error instanceof LockstepError)) throw error;
    options.onWarning?.(`${remark} Training on generated digits instead of MNIST. ${error.message}`.trimStart());
    return loadDigits(options);
  }
}

function loadDigits({ directory, digits }: LoadOptions): LoadedDataset {
  if (directory !== undefined) {
    const remedy = 'leave out --data, or leave out --dataset digits to train on what it holds';
    throw new LockstepError(
      'usage',
      `--dataset digits makes its own images and reads none from ${directory}; ${remedy}`,
    );
  }
  return withHash(generateDigits({ seed: 1, train: 60_000, test: 10_000, ...digits }), null);
}

async function loadGiven(directory: string, early: EarlyReading | undefined): Promise<LoadedDataset> {
  const loaded = await loadIfThere(directory, early);
  if (typeof loaded !== 'string') return loaded;
  const remedy = 'name a directory with the four IDX files, or leave out --data to download MNIST';
  throw new LockstepError('data-unavailable', `${directory} holds no data set: ${loaded}; ${remedy}`);
}

/** Loads the data set in a directory, or says why the directory holds none. */
async function loadIfThere(directory: string, early?: EarlyReading): Promise<LoadedDataset | string> {
  const place = resolve(directory);
  const begun = early?.directory === place ? await early.claim() : null;
  const read = begun ?? (await readFrom(place));
  if (typeof read === 'string') return read;
  const loaded = withHash(read, place);
  return loaded.sha256 === mnist.sha256 ? { ...loaded, name: mnist.name } : loaded;
}

/** Reads the data set in a directory, or says why the directory holds none. */
async function readFrom(directory: string): Promise<Dataset | string> {
  const paths = await findDataset(directory);
  return 'missing' in paths ? paths.missing : await readDataset(basename(directory), paths);
}

/** Loads the published data set from the cache. Files that are missing or damaged there are downloaded first. */
async function loadPublished(options: LoadOptions): Promise<LoadedDataset> {
  const published = options.published ?? mnist;
  const directory = join(
    cacheDirectory(options.environment ?? process.env, process.platform, homedir()),
    published.name,
  );
  const cached = await loadIfThere(directory, options.early).catch(() => 'damaged');
  if (typeof cached !== 'string' && cached.sha256 === published.sha256) return fromCache(cached);
  await fillCache(directory, published, options);
  const loaded = await loadIfThere(directory);
  if (typeof loaded !== 'string' && loaded.sha256 === published.sha256) return fromCache(loaded);
  throw new LockstepError('data-invalid', `${directory}: damaged just after the download; remove it and start again`);
}

/**
 * Leaves out the directory: a run that is resumed on another machine must find the published data set in the cache of
 * that machine, or download it.
 */
function fromCache(loaded: LoadedDataset): LoadedDataset {
  return { ...loaded, directory: null };
}

function withHash(dataset: Dataset, directory: string | null): LoadedDataset {
  return { ...dataset, sha256: datasetSha256(dataset), directory };
}
