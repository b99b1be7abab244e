/**
 * Begins to read a data set while the rest of the program is still being loaded: decompressing takes as long as that, and
 * happens on another thread.
 */
import { homedir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { cacheDirectory, type Environment } from '../../shared/cache-directory.js';
import type { Dataset } from '../../shared/data/dataset.js';
import { findDataset } from './directory.js';
import { mnist } from './mnist.js';
import { readDataset } from './read.js';

/** The data set of a directory, as an absolute path; null if it cannot be read. Whoever loads it then says why. */
export interface EarlyReading {
  readonly directory: string;
  readonly dataset: Promise<Dataset | null>;
}

/** Begins to read the data set where `loadDataset` would look first, or nothing for generated digits. */
export function readEarly(
  { data, dataset }: { readonly data?: string | undefined; readonly dataset?: string | undefined },
  environment: Environment = process.env,
): EarlyReading | undefined {
  if (dataset === 'digits') return undefined;
  const cached = () => join(cacheDirectory(environment, process.platform, homedir()), mnist.name);
  const directory = resolve(data ?? (environment.LOCKSTEP_DATA || cached()));
  return { directory, dataset: read(directory).catch(() => null) };
}

async function read(directory: string): Promise<Dataset | null> {
  const paths = await findDataset(directory);
  return 'missing' in paths ? null : await readDataset(basename(directory), paths);
}
