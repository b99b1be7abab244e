/** Finds the files of a data set by their names. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describeFault } from './fault.js';

/** Paths of the four files. */
export interface DatasetPaths {
  readonly trainImages: string;
  readonly trainLabels: string;
  readonly testImages: string;
  readonly testLabels: string;
}

/** The usual spellings: `train-images-idx3-ubyte`, `train-images.idx3-ubyte`, each also with `.gz`. */
const patterns: Readonly<Record<keyof DatasetPaths, RegExp>> = {
  trainImages: /^train-images[.-]idx\d-ubyte(\.gz)?$/,
  trainLabels: /^train-labels[.-]idx1-ubyte(\.gz)?$/,
  testImages: /^(t10k|test)-images[.-]idx\d-ubyte(\.gz)?$/,
  testLabels: /^(t10k|test)-labels[.-]idx1-ubyte(\.gz)?$/,
};

const examples: Readonly<Record<keyof DatasetPaths, string>> = {
  trainImages: 'train-images-idx3-ubyte',
  trainLabels: 'train-labels-idx1-ubyte',
  testImages: 't10k-images-idx3-ubyte',
  testLabels: 't10k-labels-idx1-ubyte',
};

/** Finds the four files in `directory`, or says why it holds no data set. */
export async function findDataset(directory: string): Promise<DatasetPaths | { readonly missing: string }> {
  let names: string[];
  try {
    names = await readdir(directory);
  } catch (error) {
    return { missing: describeFault(error) };
  }
  // `find` returns the first match. A decompressed file sorts before its `.gz`, so it is preferred: it loads faster.
  names.sort();
  const find = (key: keyof DatasetPaths) => names.find((name) => patterns[key].test(name));
  const lacking = keys.filter((key) => find(key) === undefined).map((key) => examples[key]);
  if (lacking.length > 0) return { missing: `it lacks ${lacking.join(', ')} (or .gz)` };
  const path = (key: keyof DatasetPaths) => join(directory, find(key) as string);
  return {
    trainImages: path('trainImages'),
    trainLabels: path('trainLabels'),
    testImages: path('testImages'),
    testLabels: path('testLabels'),
  };
}

const keys = ['trainImages', 'trainLabels', 'testImages', 'testLabels'] as const;
