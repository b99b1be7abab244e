/** Finds the data set on whose test set a model is evaluated, and checks that the two fit together. */
import type { Samples } from '../../shared/data/dataset.js';
import { LockstepError } from '../../shared/errors.js';
import { misfit } from '../../shared/model/description.js';
import { type LoadedDataset, loadDataset } from '../data/load.js';
import { isPublishedName, publishedDatasets } from '../data/published.js';
import { findTestSet } from '../view/test-set.js';
import type { OpenedModel } from './open-model.js';

export interface TestData {
  readonly name: string;
  readonly sha256: string;
  readonly classes: number;
  readonly test: Samples;
  /** Absent where the labels themselves are the names. */
  readonly classNames?: readonly string[] | undefined;
  /** Whether the model was trained on this data set. Null if its file does not say. */
  readonly isOwn: boolean | null;
}

const remedy = 'name the directory of a data set with --data DIR';

/**
 * The data set in the directory `given`, which may be another one than that of the training. Without it, the data set of the
 * training, where it is on this machine. Rejects with `data-unavailable`, `data-invalid`, or with `usage` for a data set
 * that does not fit the model.
 */
export async function testDataFor(opened: OpenedModel, given: string | undefined): Promise<TestData> {
  const { model, path, datasetSha256 } = opened;
  const data = given === undefined ? await ownData(opened) : await loadDataset({ dataset: 'auto', directory: given });
  const { name, sha256, classes, test, classNames } = data;
  const fault = misfit(model, test.shape, classes);
  if (fault !== null) throw new LockstepError('usage', `${path} does not fit the data set ${name}: ${fault}`);
  return { name, sha256, classes, test, classNames, isOwn: datasetSha256 === null ? null : datasetSha256 === sha256 };
}

async function ownData({ path, config, datasetSha256 }: OpenedModel): Promise<Omit<TestData, 'isOwn'>> {
  if (config !== null) {
    const { dataset, data } = config;
    return { ...dataset, test: await findTestSet({ dataset, data, given: null, set: 'test', remedy }) };
  }
  if (datasetSha256 === null) {
    throw new LockstepError('usage', `${path} does not say which data set it was trained on: ${remedy}`);
  }
  const found = await withoutDownload(datasetSha256);
  if (found?.sha256 === datasetSha256) return found;
  const wanted = `the data set that ${path} was trained on (SHA-256 ${datasetSha256.slice(0, 8)}…)`;
  throw new LockstepError('data-unavailable', `${wanted} is not where train would look first: ${remedy}`);
}

/** The data set that train would find on this machine under the name of this one. Null if there is none. */
async function withoutDownload(datasetSha256: string): Promise<LoadedDataset | null> {
  const names = Object.keys(publishedDatasets).filter(isPublishedName);
  const dataset = names.find((name) => publishedDatasets[name].sha256 === datasetSha256) ?? 'auto';
  try {
    return await loadDataset({ dataset, mirrors: [] });
  } catch (error) {
    if (error instanceof LockstepError && error.code === 'data-unavailable') return null;
    throw error;
  }
}
