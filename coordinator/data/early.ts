/**
 * Begins to read a data set while the rest of the program is still being loaded: decompressing takes as long as that, and
 * happens on another thread.
 */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { Environment } from '../../shared/cache-directory.js';
import { cacheOf } from './cache.js';
import { mnist } from './mnist.js';
import { findPublished } from './published.js';
import type { PublishedDataset } from './published-dataset.js';
import { type ReadDataset, readFrom } from './read.js';

export interface EarlyReading {
  /** An absolute path. */
  readonly directory: string;
  /** The data set that is looked for in it. Null: any. */
  readonly wanted: PublishedDataset | null;
  /**
   * The data set, once: it is not kept here, so that its memory is free again when its samples have been copied. Null for
   * the second caller, and if the data set cannot be read. Whoever loads it then says why.
   */
  claim(): Promise<ReadDataset | null>;
}

/** Begins to read the data set where `loadDataset` would look first, or nothing for generated digits. */
export function readEarly(
  { data, dataset }: { readonly data?: string | undefined; readonly dataset?: string | undefined },
  environment: Environment = process.env,
): EarlyReading | undefined {
  if (dataset === 'digits') return undefined;
  const asked = findPublished(dataset ?? 'auto');
  const named = data ?? (environment.LOCKSTEP_DATA || undefined);
  const wanted = named === undefined ? (asked ?? mnist) : asked;
  const directory = resolve(named ?? cacheOf(wanted ?? mnist, environment));
  let reading: Promise<ReadDataset | null> | null = read(directory, wanted).catch(() => null);
  return {
    directory,
    wanted,
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

async function read(directory: string, wanted: PublishedDataset | null): Promise<ReadDataset | null> {
  const found = await readFrom(directory, wanted);
  return typeof found === 'string' ? null : found;
}
