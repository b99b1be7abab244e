import { writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { type LoadOptions, loadDataset } from '../../../coordinator/data/load.js';
import { mnist } from '../../../coordinator/data/mnist.js';
import { limits } from '../../../shared/limits.js';
import { directory, files, filled, mirror, published, whole } from './fixture.js';

type Change = (name: string, bytes: Buffer) => [name: string, bytes: Buffer];

const digits = { train: 20, test: 10 };

/** Loads a data set and collects the warnings. By default there are no mirrors, and the cache is empty. */
async function load(options: Partial<LoadOptions>) {
  const warnings: string[] = [];
  const loaded = await loadDataset({
    dataset: 'auto',
    environment: { XDG_CACHE_HOME: await directory() },
    published,
    mirrors: [],
    digits,
    onWarning: (message) => warnings.push(message),
    ...options,
  });
  return { loaded, warnings };
}

describe('a directory of IDX files', () => {
  it.each<[string, Change]>([
    ['raw', (name, bytes) => [name, bytes]],
    ['gzipped', (name, bytes) => [`${name}.gz`, gzipSync(bytes)]],
    ['spelt with a dot', (name, bytes) => [name.replace('-idx', '.idx'), bytes]],
    ['unpacked under a .gz name', (name, bytes) => [`${name}.gz`, bytes]],
    ['in two gzip members', (name, bytes) => [`${name}.gz`, inTwo(bytes)]],
  ])('is read when its files are %s', async (_, change) => {
    const path = await filled(change);
    const { loaded, warnings } = await load({ directory: path });
    expect(loaded).toMatchObject({ name: basename(path), classes: 3, sha256: published.sha256, test: { count: 30 } });
    expect(warnings).toEqual([]);
  });

  it('is preferred raw where both are there', async () => {
    const path = await filled();
    await writeFile(join(path, 't10k-labels-idx1-ubyte.gz'), 'damaged');
    expect((await load({ directory: path })).loaded.sha256).toBe(published.sha256);
  });

  it.each(['auto', 'mnist'] as const)('is never passed over with %s', async (dataset) => {
    const path = await filled((name, bytes) => (name.includes('labels') ? null : [name, bytes]));
    const failure = load({ dataset, directory: path });
    await expect(failure).rejects.toMatchObject({ code: 'data-unavailable' });
    const lacking = 'but lacks train-labels-idx1-ubyte, t10k-labels-idx1-ubyte (or .gz)';
    const there = 'it has train-images-idx3-ubyte, t10k-images-idx3-ubyte';
    await expect(failure).rejects.toThrow(`${path} holds no data set: ${there}, ${lacking}; name a directory`);
  });

  it('that does not exist is named', async () => {
    await expect(load({ directory: '/nowhere' })).rejects.toThrow('/nowhere holds no data set: no such file');
  });

  it.each<[string, Change, string]>([
    ['a truncated file', (name, bytes) => [name, bytes.subarray(0, -1)], 'truncated or damaged'],
    ['half a gzip file', (name, bytes) => [`${name}.gz`, gzipSync(bytes).subarray(0, -9)], 'gzip data is truncated'],
    ['a damaged gzip file', (name, bytes) => [`${name}.gz`, damaged(gzipSync(bytes))], 'gzip data is damaged'],
    ['text', (name) => [name, Buffer.from('not found')], 'not an IDX file'],
  ])('with %s is refused, by the name of that file', async (_, change, sentence) => {
    const one = 't10k-images-idx3-ubyte';
    const path = await filled((name, bytes) => (name === one ? change(name, bytes) : [name, bytes]));
    const failure = load({ directory: path });
    await expect(failure).rejects.toMatchObject({ code: 'data-invalid' });
    await expect(failure).rejects.toThrow(sentence);
    await expect(failure).rejects.toThrow(join(path, one));
  });
});

/** The test labels of the tiny data set as lists of eight int32, as QMNIST has them. */
function asLists(bytes: Buffer): Buffer {
  const labels = bytes.subarray(8);
  const lists = Buffer.alloc(12 + 32 * labels.length, 7);
  lists.set([0, 0, 0x0c, 2, ...bytes.subarray(4, 8), 0, 0, 0, 8]);
  for (const [i, label] of labels.entries()) lists.writeInt32BE(label, 12 + 32 * i);
  return lists;
}

describe('a published data set in a directory', () => {
  const emnistFiles = (set: string, firstLabel = 0): Change => {
    return (name, bytes) => {
      const stored = Buffer.from(bytes);
      if (name.includes('labels')) for (let i = 8; i < stored.length; i++) stored[i] += firstLabel;
      return [`EMNIST/raw/emnist-${set}-${name.replace('t10k', 'test')}.gz`, gzipSync(stored)];
    };
  };

  it('of letters is put upright, and its labels are counted from 0', async () => {
    const path = await filled(emnistFiles('letters', 1));
    const { loaded } = await load({ directory: path });
    expect(loaded).toMatchObject({ name: 'emnist-letters', classes: 3, classNames: ['A', 'B', 'C'], directory: path });
    const { shape, images, labels } = loaded.test;
    expect([shape, ...labels.subarray(0, 4)]).toEqual([[11, 9], 0, 1, 2, 0]);
    // Row 4, column 2 of the second image.
    const stored = files['t10k-images-idx3-ubyte'].subarray(16);
    expect(images[99 + 4 * 9 + 2]).toBe(stored[99 + 2 * 11 + 4]);
  });

  it('is chosen among others by its name, and has no names of classes where they are digits', async () => {
    const path = await filled(emnistFiles('digits'));
    const loaded = await loadDataset({ dataset: 'emnist-digits', directory: path });
    expect(loaded.name).toBe('emnist-digits');
    expect(loaded.classNames).toBeUndefined();
    await expect(loadDataset({ dataset: 'emnist-letters', directory: path })).rejects.toThrow(
      'holds no data set: it lacks emnist-letters-train-images-idx3-ubyte',
    );
  });

  it('may have labels in lists', async () => {
    const path = await filled((name, bytes) =>
      name.includes('labels')
        ? [`qmnist-${name.replace('idx1-ubyte', 'idx2-int')}`, asLists(bytes)]
        : [`qmnist-${name}`, bytes],
    );
    const { loaded } = await load({ directory: path });
    expect(loaded).toMatchObject({ name: 'qmnist', classes: 3, sha256: published.sha256 });
  });

  it('is what the user says, if its hash is not known', async () => {
    const path = await filled();
    const loaded = await loadDataset({ dataset: 'kmnist', directory: path });
    expect(loaded).toMatchObject({ name: 'kmnist', classNames: ['お', 'き', 'す'], sha256: published.sha256 });
  });

  it('is refused if it is another one', async () => {
    const path = await filled();
    const failure = loadDataset({ dataset: 'fashion-mnist', directory: path });
    await expect(failure).rejects.toMatchObject({ code: 'data-invalid' });
    await expect(failure).rejects.toThrow(`${path} holds another data set than fashion-mnist; leave out --dataset`);
  });
});

describe('classes.txt', () => {
  async function named(text: string): Promise<string> {
    const path = await filled();
    await writeFile(join(path, 'classes.txt'), text);
    return path;
  }

  it.each([
    ['plain', 'cat\ndog\nbird'],
    ['with a byte order mark, carriage returns and a last empty line', '\uFEFFcat\r\ndog\r\nbird\r\n\r\n'],
    ['with a class that no image has', 'cat\ndog\nbird\nfish\n'],
  ])('names the classes: %s', async (_, text) => {
    const { loaded } = await load({ directory: await named(text) });
    expect(loaded).toMatchObject({ classes: 3, classNames: ['cat', 'dog', 'bird'], sha256: published.sha256 });
  });

  it.each([
    ['too few names', 'cat\ndog', 'it has 2 names, but the labels go from 0 to 2'],
    ['an empty line', 'cat\n\ndog', 'line 2: expected a name of 1 to 32 printable characters'],
    ['a control character', 'cat\ndog\u0007\nbird', 'line 2: expected a name'],
    ['a long name', `cat\ndog\n${'x'.repeat(limits.classNameLengthMax + 1)}`, 'line 3: expected a name'],
    ['a large file', 'x\n'.repeat(limits.classesFileBytesMax), 'is larger than a list of classes can be'],
  ])('is refused with %s', async (_, text, sentence) => {
    const path = await named(text);
    const failure = load({ directory: path });
    await expect(failure).rejects.toMatchObject({ code: 'data-invalid' });
    await expect(failure).rejects.toThrow(join(path, 'classes.txt'));
    await expect(failure).rejects.toThrow(sentence);
  });
});

describe('without a directory', () => {
  it('LOCKSTEP_DATA is used', async () => {
    const { loaded, warnings } = await load({ environment: { LOCKSTEP_DATA: await filled() } });
    expect(loaded.sha256).toBe(published.sha256);
    expect(warnings).toEqual([]);
  });

  it('a LOCKSTEP_DATA of no use is mentioned when the cache serves instead', async () => {
    const environment = { LOCKSTEP_DATA: '/nowhere', XDG_CACHE_HOME: await directory() };
    const { url } = await mirror(whole);
    const { loaded, warnings } = await load({ environment, mirrors: [url] });
    expect(loaded.sha256).toBe(published.sha256);
    expect(warnings).toEqual([expect.stringMatching(/^LOCKSTEP_DATA names \/nowhere, .* cached tiny instead\.$/)]);
  });

  it('auto falls back to generated digits, with one warning', async () => {
    const { loaded, warnings } = await load({
      environment: { LOCKSTEP_DATA: '/nowhere', XDG_CACHE_HOME: await directory() },
    });
    expect(loaded).toMatchObject({ name: 'digits', train: { count: 20 }, test: { count: 10 } });
    expect(warnings).toEqual([expect.stringContaining('generated digits instead of MNIST')]);
    expect(warnings[0]).toContain('pass --data DIR');
  });

  it('LOCKSTEP_DATA with another data set than the wanted one is passed over', async () => {
    const { url } = await mirror(whole);
    const other = await filled((name, bytes) => [name, name.includes('train-images') ? flipped(bytes) : bytes]);
    const environment = { LOCKSTEP_DATA: other, XDG_CACHE_HOME: await directory() };
    const { loaded, warnings } = await load({ dataset: 'mnist', environment, mirrors: [url] });
    expect([loaded.sha256, loaded.directory, warnings]).toEqual([published.sha256, null, []]);
  });

  it('LOCKSTEP_DATA may have the wanted data set in a folder of its name', async () => {
    const root = await filled((name, bytes) => [`KMNIST/raw/${name}`, bytes]);
    const loaded = await loadDataset({ dataset: 'kmnist', environment: { LOCKSTEP_DATA: root }, mirrors: [] });
    expect([loaded.name, loaded.directory]).toEqual(['kmnist', root]);
  });

  it('mnist never falls back', async () => {
    await expect(load({ dataset: 'mnist' })).rejects.toMatchObject({ code: 'data-unavailable' });
  });

  it('digits ask for nothing and warn of nothing', async () => {
    const { loaded, warnings } = await load({ dataset: 'digits', environment: { LOCKSTEP_DATA: await filled() } });
    expect([loaded.name, warnings]).toEqual(['digits', []]);
  });

  it('digits refuse a directory', async () => {
    await expect(load({ dataset: 'digits', directory: '/data' })).rejects.toMatchObject({ code: 'usage' });
  });
});

describe.skipIf(!process.env.LOCKSTEP_DATA)('MNIST in LOCKSTEP_DATA', () => {
  it('is what was published', async () => {
    const loaded = await loadDataset({ dataset: 'mnist', directory: process.env.LOCKSTEP_DATA as string });
    expect(loaded).toMatchObject({ name: 'mnist', classes: 10, sha256: mnist.sha256 });
    expect(loaded.train).toMatchObject({ count: 60_000, shape: [28, 28] });
    expect(loaded.test).toMatchObject({ count: 10_000, shape: [28, 28] });
  });
});

function flipped(bytes: Buffer): Buffer {
  const changed = Buffer.from(bytes);
  changed[100] ^= 1;
  return changed;
}

function inTwo(bytes: Buffer): Buffer {
  return Buffer.concat([gzipSync(bytes.subarray(0, 9)), gzipSync(bytes.subarray(9))]);
}

/** Flips bits of the compressed data. */
function damaged(zipped: Buffer): Buffer {
  for (let i = 40; i < 80; i++) zipped[i] ^= 255;
  return zipped;
}
