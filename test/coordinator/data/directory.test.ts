/** Tests which files of a directory are a data set, by the names that such files have in the wild. */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findDataset } from '../../../coordinator/data/directory.js';
import { findPublished } from '../../../coordinator/data/published.js';
import { directory } from './fixture.js';

const roles = ['trainImages', 'trainLabels', 'testImages', 'testLabels'] as const;
const mnistNames = [
  'train-images-idx3-ubyte',
  'train-labels-idx1-ubyte',
  't10k-images-idx3-ubyte',
  't10k-labels-idx1-ubyte',
];

/** A directory with empty files of these names. */
async function holding(...names: string[]): Promise<string> {
  const root = await directory();
  for (const path of names.map((name) => join(root, name))) {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, '');
  }
  return root;
}

/** The paths of the four files that are found, in the order of `roles`. */
async function found(root: string, wanted: string | null = null): Promise<string[] | string> {
  const files = await findDataset(root, wanted === null ? null : findPublished(wanted));
  return 'missing' in files ? files.missing : roles.map((role) => files[role].slice(root.length + 1));
}

const within = (folder: string, names = mnistNames) => names.map((name) => `${folder}/${name}`);
const emnist = (set: string) =>
  mnistNames.map((name) => `emnist-${set}-${name.replace('t10k', 'test').replace('-ubyte', '-ubyte.gz')}`);

describe('a data set is found', () => {
  it.each<[string, string[]]>([
    ['as MNIST was published', mnistNames],
    ['gzipped', mnistNames.map((name) => `${name}.gz`)],
    ['with dots', mnistNames.map((name) => name.replace('-idx', '.idx'))],
    ['with test- instead of t10k-', mnistNames.map((name) => name.replace('t10k', 'test'))],
    ['in capital letters', mnistNames.map((name) => `${name.toUpperCase()}.GZ`)],
    ['with something before them', emnist('letters')],
    [
      'with lists of labels',
      mnistNames.map((name) => `qmnist-${name.replace('labels-idx1-ubyte', 'labels-idx2-int')}`),
    ],
    ['each in a folder of its name', mnistNames.map((name) => `${name}/${name}`)],
    ['below the directory', within('MNIST/raw')],
    ['in a folder called raw', within('raw')],
    ['where Debian and others keep it', within('fashion-mnist')],
  ])('%s', async (_, names) => {
    expect(await found(await holding(...names))).toEqual(names);
  });

  it('decompressed rather than gzipped', async () => {
    const gzipped = mnistNames.map((name) => `${name}.gz`);
    expect(await found(await holding(...mnistNames, ...gzipped))).toEqual(mnistNames);
  });

  it('with plain labels rather than with lists', async () => {
    const names = mnistNames.map((name) => `qmnist-${name.replace('t10k', 'test')}`);
    expect(await found(await holding(...names, 'qmnist-test-labels-idx2-int'))).toEqual(names);
  });

  it('in the directory rather than below it', async () => {
    expect(await found(await holding(...mnistNames, ...within('FashionMNIST/raw')))).toEqual(mnistNames);
  });
});

describe('of several data sets', () => {
  it('the wanted one is taken', async () => {
    const root = await holding(...emnist('letters'), ...emnist('digits'), ...emnist('byclass'));
    expect(await found(root, 'emnist-digits')).toEqual(emnist('digits'));
    const below = await holding(
      ...within('MNIST/raw'),
      ...within('KMNIST/raw'),
      ...within('EMNIST/raw', emnist('letters')),
    );
    expect(await found(below, 'kmnist')).toEqual(within('KMNIST/raw'));
    expect(await found(below, 'emnist-letters')).toEqual(within('EMNIST/raw', emnist('letters')));
  });

  it('none is taken unless it is named, and the error lists them', async () => {
    const root = await holding(...emnist('letters'), ...emnist('digits'));
    const failure = found(root);
    await expect(failure).rejects.toMatchObject({ code: 'usage' });
    await expect(failure).rejects.toThrow(`${root} holds 2 data sets: emnist-digits, emnist-letters; name one`);
    const below = await holding(...within('MNIST/raw'), ...within('FashionMNIST/raw'));
    await expect(found(below)).rejects.toThrow('holds 2 data sets: fashionmnist/raw, mnist/raw; name one');
  });

  it('another one than the wanted is none', async () => {
    const root = await holding(...emnist('letters'));
    expect(await found(root, 'mnist')).toMatch(/^it lacks train-images-idx3-ubyte/);
    expect(await found(root, 'emnist-digits')).toMatch(/^it lacks emnist-digits-train-images-idx3-ubyte/);
  });
});

describe('the error', () => {
  it('says what there is and what is missing', async () => {
    const root = await holding(...emnist('letters').slice(0, 3));
    expect(await found(root)).toBe(
      `it has ${emnist('letters').slice(0, 3).join(', ')}, but lacks emnist-letters-test-labels-idx1-ubyte (or .gz)`,
    );
  });

  it('does not pass over a part of a data set for a whole one below it', async () => {
    const root = await holding(mnistNames[1], ...within('raw'));
    expect(await found(root)).toMatch(/^it has train-labels-idx1-ubyte, but lacks train-images-idx3-ubyte, t10k-/);
  });

  it('says what a directory without a data set lacks, and why one cannot be read', async () => {
    const root = await holding('notes.txt');
    expect(await found(root)).toBe(`it lacks ${mnistNames.join(', ')} (or .gz)`);
    await rm(root, { recursive: true });
    expect(await found(root)).toBe('no such file or directory (ENOENT)');
  });
});
