/**
 * Loads a data set from the first place that has it: the directory that the user named, the directory in LOCKSTEP_DATA,
 * the user's cache, or the mirrors. If all of them fail and the options allow it, it generates digits.
 * This file decides the order and the messages. Other files of this folder find, read and download.
 */
import { resolve } from 'node:path';
import type { Environment } from '../../shared/cache-directory.js';
import type { Dataset } from '../../shared/data/dataset.js';
import { type DigitsOptions, generateDigits } from '../../shared/data/digits/generate.js';
import { LockstepError } from '../../shared/errors.js';
import { cacheOf } from './cache.js';
import { areWhole, type DownloadProgress, fillCache } from './download.js';
import type { EarlyReading } from './early.js';
import { datasetSha256 } from './hash.js';
import { findClassNames, identify } from './identity.js';
import { mnist } from './mnist.js';
import { type DatasetChoice, findPublished } from './published.js';
import type { PublishedDataset } from './published-dataset.js';
import { type ReadDataset, readFrom } from './read.js';

export interface LoadOptions {
  /**
   * `auto`: the data set in `directory` if that is given; otherwise MNIST, or generated digits if MNIST cannot be
   * loaded. A name: this data set and no other. `digits`: always generated digits.
   */
  readonly dataset: DatasetChoice;
  /** A directory of IDX files. If it holds no data set, loading fails. */
  readonly directory?: string;
  /** The variables LOCKSTEP_DATA and those that name the cache directory. Default: the process's environment. */
  readonly environment?: Environment;
  /** A data set that is being read already, if it is that of the first directory. */
  readonly early?: EarlyReading | undefined;
  /** The data set to download if the cache lacks it. Default: that of `dataset`, which is MNIST for `auto`. */
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
  const wanted = dataset === 'auto' ? null : (options.published ?? findPublished(dataset));
  if (directory !== undefined) return loadGiven(directory, wanted, options.early);
  const named = (options.environment ?? process.env).LOCKSTEP_DATA;
  // This directory is not named for one data set, so its files must show which one they are.
  const there = named ? await loadIfThere(named, { wanted, isTold: false, early: options.early }) : '';
  if (typeof there !== 'string' && isPossibly(there, wanted)) return there.dataset;
  // The user named a directory that cannot be used, so the warning must mention it.
  const unusable = named && typeof there === 'string';
  const remark = unusable ? `LOCKSTEP_DATA names ${named}, which holds no data set: ${there}.` : '';
  try {
    const loaded = await loadPublished(wanted ?? options.published ?? mnist, options);
    if (remark) options.onWarning?.(`${remark} Training on the cached ${loaded.name} instead.`);
    return loaded;
  } catch (error) {
    if (wanted !== null || options.signal?.aborted || !(error instanceof LockstepError)) throw error;
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
  const dataset = generateDigits({ seed: 1, train: 60_000, test: 10_000, ...digits });
  return { ...dataset, sha256: datasetSha256(dataset), directory: null };
}

async function loadGiven(
  directory: string,
  wanted: PublishedDataset | null,
  early: EarlyReading | undefined,
): Promise<LoadedDataset> {
  const found = await loadIfThere(directory, { wanted, isTold: true, early });
  if (typeof found === 'string') {
    const remedy = `name a directory with the four IDX files, or leave out --data to download ${wanted?.name ?? 'MNIST'}`;
    throw new LockstepError('data-unavailable', `${directory} holds no data set: ${found}; ${remedy}`);
  }
  if (isPossibly(found, wanted)) return found.dataset;
  const remedy = 'leave out --dataset to train on what it holds, or leave out --data to train on the published files';
  throw new LockstepError('data-invalid', `${directory} holds another data set than ${wanted?.name}; ${remedy}`);
}

/** The data set in a directory, and which of the published ones it is, if any. */
interface Found {
  readonly dataset: LoadedDataset;
  readonly identity: PublishedDataset | null;
}

interface Search {
  /** The data set that is looked for. Null: any. */
  readonly wanted: PublishedDataset | null;
  /** Whether the user says that the directory holds this data set. */
  readonly isTold: boolean;
  readonly early?: EarlyReading | undefined;
}

/** Loads the data set in a directory, or says why the directory holds none. */
async function loadIfThere(directory: string, { wanted, isTold, early }: Search): Promise<Found | string> {
  const place = resolve(directory);
  const begun = early?.directory === place && early.wanted === wanted ? await early.claim() : null;
  const read = begun ?? (await readFrom(place, wanted));
  return typeof read === 'string' ? read : describe(read, place, isTold ? wanted : null);
}

async function describe(read: ReadDataset, directory: string, told: PublishedDataset | null): Promise<Found> {
  const { files, ...plain } = read;
  const sha256 = datasetSha256(plain);
  const identity = identify(sha256, files, told);
  const classNames = await findClassNames(plain, files, identity);
  const name = identity?.name ?? plain.name;
  const dataset = { ...plain, name, ...(classNames !== null && { classNames }), sha256, directory };
  return { dataset, identity };
}

/** Whether the data set in a directory may be the wanted one. Only a hash can tell for sure. */
function isPossibly({ dataset, identity }: Found, wanted: PublishedDataset | null): boolean {
  if (wanted === null) return true;
  return wanted.sha256 === undefined ? identity === wanted : dataset.sha256 === wanted.sha256;
}

/** Loads the published data set from the cache. Files that are missing or damaged there are downloaded first. */
async function loadPublished(published: PublishedDataset, options: LoadOptions): Promise<LoadedDataset> {
  const directory = cacheOf(published, options.environment ?? process.env);
  const search = { wanted: published, isTold: true };
  const cached = await loadIfThere(directory, { ...search, early: options.early }).catch(() => 'damaged');
  if (typeof cached !== 'string' && (await isGenuine(cached, directory, published))) return fromCache(cached);
  await fillCache(directory, published, options);
  const loaded = await loadIfThere(directory, search);
  if (typeof loaded !== 'string' && (await isGenuine(loaded, directory, published))) return fromCache(loaded);
  throw new LockstepError('data-invalid', `${directory}: damaged just after the download; remove it and start again`);
}

/**
 * Whether the cache's files are those that were published. Without a hash of the whole data set, the hashes of the files
 * say so; files of an archive were compared when they were unpacked, and gzip has found no fault in them since.
 */
async function isGenuine({ dataset }: Found, directory: string, published: PublishedDataset): Promise<boolean> {
  if (published.sha256 !== undefined) return dataset.sha256 === published.sha256;
  return areWhole(directory, published);
}

/**
 * Leaves out the directory: a run that is resumed on another machine must find the published data set in the cache of
 * that machine, or download it.
 */
function fromCache({ dataset }: Found): LoadedDataset {
  return { ...dataset, directory: null };
}
