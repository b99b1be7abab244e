/**
 * Finds the test set or the validation set of a run. If the user names a directory, only this directory is tried.
 * Otherwise, the places are the directory that the run was trained on, LOCKSTEP_DATA, and the user's cache. Generated
 * digits are generated again. Nothing is downloaded. A data set counts only if its SHA-256 is that of the run's data set.
 */
import { resolve } from 'node:path';
import type { Environment } from '../../shared/cache-directory.js';
import { type Dataset, type EvaluationSet, holdOut, type Samples } from '../../shared/data/dataset.js';
import { LockstepError } from '../../shared/errors.js';
import type { ConfigDataset } from '../archive/config.js';
import { cacheOf } from '../data/cache.js';
import { datasetSha256 } from '../data/hash.js';
import { loadDataset } from '../data/load.js';
import { mnist } from '../data/mnist.js';
import { findPublished } from '../data/published.js';
import { readFrom } from '../data/read.js';

export interface Wanted {
  /** The data set as config.json describes it. */
  readonly dataset: ConfigDataset;
  /** The directory that the run was trained on. Null for a published one from the cache, and for generated digits. */
  readonly data: string | null;
  /** The directory that the user names, or null. If there is one, no other directory is tried. */
  readonly given: string | null;
  readonly set: EvaluationSet;
  /** What the user can do if there is none, as the end of a sentence. */
  readonly remedy?: string;
}

const viewRemedy = 'start `lockstep view` with --data DIR, the directory of the data set that it was trained on';

/** Rejects with `data-unavailable` and a sentence that says why there is no such data set, and what to do. */
export async function findTestSet(wanted: Wanted, environment: Environment = process.env): Promise<Samples> {
  const { dataset, remedy = viewRemedy } = wanted;
  const faults: string[] = [];
  for (const directory of placesOf(wanted, environment)) {
    const found = await load(directory, dataset.name);
    if (typeof found === 'string') faults.push(found);
    else if (found.sha256 === dataset.sha256) return setOf(found, wanted);
    else faults.push(`${directory ?? 'generated digits'}: another data set, ${short(found.sha256)}`);
  }
  const sentence = `the run's test set (${dataset.name}, SHA-256 ${short(dataset.sha256)}) is not on this machine`;
  throw new LockstepError('data-unavailable', `${sentence}: ${faults.join('; ')}; ${remedy}`);
}

/** The directories in the order in which they are tried. Null stands for the generated digits. */
function placesOf({ dataset, data, given }: Wanted, environment: Environment): (string | null)[] {
  if (given !== null) return [given];
  if (data === null && dataset.name === 'digits') return [null];
  const usual = [environment.LOCKSTEP_DATA, cacheOf(findPublished(dataset.name) ?? mnist, environment)];
  return [data, ...usual].filter((place): place is string => typeof place === 'string' && place !== '');
}

/** Returns a data set, or the reason why there is none. `name` chooses if there are several. */
async function load(directory: string | null, name: string): Promise<(Dataset & { sha256: string }) | string> {
  if (directory === null) return loadDataset({ dataset: 'digits' });
  try {
    const dataset = await readFrom(resolve(directory), findPublished(name));
    if (typeof dataset === 'string') return `${directory}: ${dataset}`;
    return { ...dataset, sha256: datasetSha256(dataset) };
  } catch (error) {
    if (error instanceof LockstepError) return error.message;
    throw error;
  }
}

/** A copy of the validation set, so that the training set is not kept. */
function setOf({ train, test }: Dataset, { set, dataset }: Wanted): Samples {
  if (set === 'test') return test;
  const { validation } = holdOut(train, dataset.validation ?? 0);
  return { ...validation, images: validation.images.slice(), labels: validation.labels.slice() };
}

function short(sha256: string): string {
  return `${sha256.slice(0, 8)}…`;
}
