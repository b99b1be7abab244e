/** Tests that the descriptions of published data sets agree with each other and with what the program does with them. */
import { describe, expect, it } from 'vitest';
import { conventionOf } from '../../../coordinator/data/conventions.js';
import { identify } from '../../../coordinator/data/identity.js';
import { datasetChoices, findPublished, publishedDatasets } from '../../../coordinator/data/published.js';
import { isPacked, type PublishedDataset } from '../../../coordinator/data/published-dataset.js';
import { limits } from '../../../shared/limits.js';
import { isPrintable } from '../../../shared/text.js';

const sets: readonly [string, PublishedDataset][] = Object.entries(publishedDatasets);
const sha256 = /^[0-9a-f]{64}$/;

describe.each(sets)('%s', (name, set) => {
  it('is found by its name', () => {
    expect(set.name).toBe(name);
    expect(findPublished(name)).toBe(set);
    expect(datasetChoices).toContain(name);
  });

  it('has hashes, sizes and mirrors for all of its files', () => {
    const { files, mirrors } = set;
    expect(new Set(files.map((file) => file.sha256)).size).toBe(files.length);
    for (const file of files) {
      expect(file.sha256).toMatch(sha256);
      expect(file.bytes).toBeGreaterThan(10_000);
      expect(file.bytes).toBeLessThan(limits.dataFileBytesMax);
    }
    for (const mirror of mirrors) expect(new URL(mirror).href.endsWith('/'), mirror).toBe(true);
    // Files that the cache keeps packed have another hash than the data set is made of.
    const isDecompressed = files.every((file) => !isPacked(file));
    expect(set.sha256 === undefined).toBe(!isDecompressed);
    if (set.sha256 !== undefined) expect(set.sha256).toMatch(sha256);
  });

  it('has the four files under names that belong to it', () => {
    const names = set.files.flatMap((file) => file.unpacked ?? [file.name]);
    const own = names.filter((file) => file.startsWith(set.prefix ?? 't'));
    const parts = own.map((file) => file.slice(set.prefix === undefined ? 0 : set.prefix.length + 1));
    const kinds = parts.map((part) => part.replace('t10k', 'test').replace(/-idx.*/, ''));
    expect(kinds.sort()).toEqual(['test-images', 'test-labels', 'train-images', 'train-labels']);
  });

  it('has different printable names for its classes', () => {
    const { classNames = ['0'] } = set;
    expect(new Set(classNames).size).toBe(classNames.length);
    for (const one of classNames) expect(isPrintable(one) && one.length <= limits.classNameLengthMax).toBe(true);
  });
});

it('has the classes that were published', () => {
  const counts = sets.map(([name, { classNames }]) => [name, classNames?.length ?? 10]);
  expect(Object.fromEntries(counts)).toEqual({
    mnist: 10,
    'fashion-mnist': 10,
    kmnist: 10,
    'emnist-letters': 26,
    'emnist-digits': 10,
    'emnist-balanced': 47,
    qmnist: 10,
  });
  expect(findPublished('emnist-balanced')?.classNames?.[36]).toBe('a');
});

it('knows how EMNIST stores its samples', () => {
  expect(conventionOf('emnist-letters')).toEqual({ isTransposed: true, firstLabel: 1 });
  expect(conventionOf('emnist-byclass')).toEqual({ isTransposed: true, firstLabel: 0 });
  for (const others of ['', 'qmnist', 'my-emnist']) {
    expect(conventionOf(others)).toEqual({ isTransposed: false, firstLabel: 0 });
  }
});

describe('the identity of a data set', () => {
  const unknown = 'f'.repeat(64);
  const { mnist, kmnist } = publishedDatasets;
  const emnistLetters = publishedDatasets['emnist-letters'];

  it('is decided by the hash, where that is known', () => {
    expect(identify(mnist.sha256 ?? '', { prefix: '', place: 'kmnist' }, kmnist)).toBe(mnist);
    expect(identify(unknown, { prefix: '', place: 'mnist' }, mnist)).toBeNull();
  });

  it('is decided by the names of the files, then by the user, then by the place', () => {
    expect(identify(unknown, { prefix: 'emnist-letters', place: 'kmnist' }, kmnist)).toBe(emnistLetters);
    expect(identify(unknown, { prefix: 'emnist-byclass', place: 'kmnist' }, null)).toBeNull();
    expect(identify(unknown, { prefix: '', place: 'qmnist' }, kmnist)).toBe(kmnist);
    expect(identify(unknown, { prefix: '', place: 'kmnist/raw' }, null)).toBe(kmnist);
    expect(identify(unknown, { prefix: '', place: 'emnist' }, null)).toBeNull();
    expect(identify(unknown, { prefix: '', place: 'mine' }, null)).toBeNull();
  });
});
