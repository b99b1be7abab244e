/** The data sets that can be asked for by name. */
import { emnistBalanced, emnistDigits, emnistLetters } from './emnist.js';
import { fashionMnist } from './fashion-mnist.js';
import { kmnist } from './kmnist.js';
import { mnist } from './mnist.js';
import type { PublishedDataset } from './published-dataset.js';
import { qmnist } from './qmnist.js';

/** By their names. */
export const publishedDatasets = {
  mnist,
  'fashion-mnist': fashionMnist,
  kmnist,
  'emnist-letters': emnistLetters,
  'emnist-digits': emnistDigits,
  'emnist-balanced': emnistBalanced,
  qmnist,
} as const satisfies Record<string, PublishedDataset>;

export type PublishedName = keyof typeof publishedDatasets;

/**
 * What a user may ask for. `auto`: a directory's data set, MNIST, or generated digits. `digits`: always generated digits.
 */
export type DatasetChoice = 'auto' | PublishedName | 'digits';

export const datasetChoices: readonly DatasetChoice[] = [
  'auto',
  ...(Object.keys(publishedDatasets) as PublishedName[]),
  'digits',
];

export function isPublishedName(name: string): name is PublishedName {
  return Object.hasOwn(publishedDatasets, name);
}

/** The published data set of that name. Null for `auto`, `digits` and any other text. */
export function findPublished(name: string): PublishedDataset | null {
  return isPublishedName(name) ? publishedDatasets[name] : null;
}
