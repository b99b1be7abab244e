/**
 * Finds a data set: in the directory that was asked for, in LOCKSTEP_DATA, in the user's cache, or on the mirrors;
 * else generates digits, if that is allowed. Knows the order and the messages; finding, reading, downloading and
 * generating are next door.
 */
import { basename, join, resolve } from 'node:path';
import type { Dataset } from '../../shared/data/dataset.js';
import { type DigitsOptions, generateDigits } from '../../shared/data/digits/generate.js';
import { LockstepError } from '../../shared/errors.js';
import { cacheDirectory, type Environment, findDataset } from './directory.js';
import { type DownloadProgress, fillCache } from './download.js';
import { datasetSha256 } from './hash.js';
import { mnist, type PublishedDataset } from './mnist.js';
import { readDataset } from './read.js';

export interface LoadOptions {
  /** `auto`: MNIST (or what `directory` holds), else generated digits. `mnist` never falls back. */
  readonly dataset: 'auto' | 'mnist' | 'digits';
  /** A directory of IDX files: used, or refused, but never passed over. */
  readonly directory?: string;
  /** LOCKSTEP_DATA and the variables that name the cache directory. Default: the process's. */
  readonly environment?: Environment;
  /** What to download if need be. Default: MNIST. */
  readonly published?: PublishedDataset;
  /** Instead of those of `published`; none forbids downloads. */
  readonly mirrors?: readonly string[];
  /** A download with no byte for so long goes to the next mirror. */
  readonly stallMs?: number;
  /** Ends a download; its partial file is removed. */
  readonly signal?: AbortSignal;
  /** Called for every piece of a download, first with 0 bytes. */
  readonly onProgress?: (progress: DownloadProgress) => void;
  /** At most one sentence per load. */
  readonly onWarning?: (message: string) => void;
  /** For the generated digits. Default: seed 1, 60,000 and 10,000. */
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
  if (directory !== undefined) return loadGiven(directory);
  const named = (options.environment ?? process.env).LOCKSTEP_DATA;
  const passedOver = named ? await loadIfThere(named) : '';
  if (typeof passedOver !== 'string') return passedOver;
  // A directory that was named and is of no use is not passed over in silence.
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

async function loadGiven(directory: string): Promise<LoadedDataset> {
  const loaded = await loadIfThere(directory);
  if (typeof loaded !== 'string') return loaded;
  const remedy = 'name a directory with the four IDX files, or leave out --data to download MNIST';
  throw new LockstepError('data-unavailable', `${directory} holds no data set: ${loaded}; ${remedy}`);
}

/** The data set in a directory, or why there is none. */
async function loadIfThere(directory: string): Promise<LoadedDataset | string> {
  const paths = await findDataset(directory);
  if ('missing' in paths) return paths.missing;
  const loaded = withHash(await readDataset(basename(resolve(directory)), paths), resolve(directory));
  return loaded.sha256 === mnist.sha256 ? { ...loaded, name: mnist.name } : loaded;
}

/** From the cache; what is missing or damaged there is downloaded first. */
async function loadPublished(options: LoadOptions): Promise<LoadedDataset> {
  const published = options.published ?? mnist;
  const directory = join(cacheDirectory(options.environment ?? process.env), published.name);
  const cached = await loadIfThere(directory).catch(() => 'damaged');
  if (typeof cached !== 'string' && cached.sha256 === published.sha256) return fromCache(cached);
  await fillCache(directory, published, options);
  const loaded = await loadIfThere(directory);
  if (typeof loaded !== 'string' && loaded.sha256 === published.sha256) return fromCache(loaded);
  throw new LockstepError('data-invalid', `${directory}: damaged just after the download; remove it and start again`);
}

/** Who needs it again finds it in the cache, or fetches it, on any machine. */
function fromCache(loaded: LoadedDataset): LoadedDataset {
  return { ...loaded, directory: null };
}

function withHash(dataset: Dataset, directory: string | null): LoadedDataset {
  return { ...dataset, sha256: datasetSha256(dataset), directory };
}
