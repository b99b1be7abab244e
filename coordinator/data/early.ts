/**
 * Begins to read a data set while the rest of the program is still being loaded: decompressing takes as long as that, and
 * happens on another thread.
 */
import { homedir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { cacheDirectory, type Environment } from '../../shared/cache-directory.js';
import type { Dataset } from '../../shared/data/dataset.js';
import { findDataset } from './directory.js';
import { mnist } from './mnist.js';
import { readDataset } from './read.js';

export interface EarlyReading {
  /** An absolute path. */
  readonly directory: string;
  /**
   * The data set, once: it is not kept here, so that its memory is free again when its samples have been copied. Null for
   * the second caller, and if the data set cannot be read. Whoever loads it then says why.
   */
  claim(): Promise<Dataset | null>;
}

/** Begins to read the data set where `loadDataset` would look first, or nothing for generated digits. */
export function readEarly(
  { data, dataset }: { readonly data?: string | undefined; readonly dataset?: string | undefined },
  environment: Environment = process.env,
): EarlyReading | undefined {
  if (dataset === 'digits') return undefined;
  const cached = () => join(cacheDirectory(environment, process.platform, homedir()), mnist.name);
  const directory = resolve(data ?? (environment.LOCKSTEP_DATA || cached()));
  let reading: Promise<Dataset | null> | null = read(directory).catch(() => null);
  return {
    directory,
    async claim() {
      const claimed = reading;
      reading = null;
      return claimed;
    },
  };
}

/** With these options, the data set is known later, or not asked for. */
const later = ['config', 'resume', 'help', 'version'];

/**
 * The same for the words of a command line that nobody has checked yet, if they plainly begin a new run. Reading the
 * wrong directory takes a little time, and does no other harm.
 */
export function readEarlyFor(words: readonly string[], environment?: Environment): EarlyReading | undefined {
  const options = { data: { type: 'string' }, dataset: { type: 'string' } } as const;
  const { positionals, values } = parseArgs({ args: [...words], options, strict: false });
  const { data, dataset } = values;
  if (positionals[0] !== 'train' || later.some((name) => name in values)) return undefined;
  // An option without its value.
  if (typeof data === 'boolean' || typeof dataset === 'boolean') return undefined;
  return readEarly({ data, dataset }, environment);
}

async function read(directory: string): Promise<Dataset | null> {
  const paths = await findDataset(directory);
  return 'missing' in paths ? null : await readDataset(basename(directory), paths);
}
