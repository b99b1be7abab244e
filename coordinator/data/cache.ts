import { homedir } from 'node:os';
import { join } from 'node:path';
import { cacheDirectory, type Environment } from '../../shared/cache-directory.js';
import type { PublishedDataset } from './published-dataset.js';

/** The directory in this user's cache that holds a published data set once it was downloaded. */
export function cacheOf({ name, folder = name }: PublishedDataset, environment: Environment): string {
  return join(cacheDirectory(environment, process.platform, homedir()), folder);
}
