/**
 * EMNIST: letters and digits of the same writers as MNIST's (Cohen, Afshar, Tapson, van Schaik 2017). One archive has six
 * data sets; these are three of them. Its images are stored with rows and columns exchanged: `conventions.ts` knows.
 */
import type { PublishedDataset, PublishedFile } from './published-dataset.js';

const prefixes = ['emnist-letters', 'emnist-digits', 'emnist-balanced'] as const;

const parts = ['train-images-idx3', 'train-labels-idx1', 'test-images-idx3', 'test-labels-idx1'] as const;

/** All three data sets are unpacked at once, so that the second one needs no download. */
const archive: PublishedFile = {
  name: 'gzip.zip',
  bytes: 561_753_746,
  sha256: 'fb9bb67e33772a9cc0b895e4ecf36d2cf35be8b709693c3564cea2a019fcda8e',
  unpacked: prefixes.flatMap((prefix) => parts.map((part) => `${prefix}-${part}-ubyte.gz`)),
};

const letters = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ'];

export const emnistLetters: PublishedDataset = { ...emnist('emnist-letters'), classNames: letters };

export const emnistDigits: PublishedDataset = emnist('emnist-digits');

/** Small letters that look like their capitals are in the capitals' classes. */
export const emnistBalanced: PublishedDataset = {
  ...emnist('emnist-balanced'),
  classNames: [...'0123456789', ...letters, ...'abdefghnqrt'],
};

function emnist(name: (typeof prefixes)[number]): PublishedDataset {
  return {
    name,
    prefix: name,
    places: [name, 'emnist', 'emnist/raw', 'gzip'],
    folder: 'emnist',
    mirrors: ['https://biometrics.nist.gov/cs_links/EMNIST/'],
    files: [archive],
  };
}
