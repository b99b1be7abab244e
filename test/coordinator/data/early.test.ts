import { rm } from 'node:fs/promises';
import { basename } from 'node:path';
import { expect, it } from 'vitest';
import { readEarly, readEarlyFor } from '../../../coordinator/data/early.js';
import { loadDataset } from '../../../coordinator/data/load.js';
import { directory, filled, published } from './fixture.js';

it('reads the files once, before the data set is asked for', async () => {
  const path = await filled();
  const early = readEarly({ data: path }, {});
  const dataset = await early?.claim();
  await rm(path, { recursive: true });
  const again = { directory: path, wanted: null, claim: async () => dataset ?? null };
  const loaded = await loadDataset({ dataset: 'auto', directory: path, early: again });
  expect(loaded).toMatchObject({ name: basename(path), sha256: published.sha256, directory: path });
});

it('looks where loading looks first', async () => {
  expect(readEarly({ data: '/a' }, { LOCKSTEP_DATA: '/b' })?.directory).toBe('/a');
  expect(readEarly({}, { LOCKSTEP_DATA: '/b', XDG_CACHE_HOME: '/c' })?.directory).toBe('/b');
  expect(readEarly({}, { XDG_CACHE_HOME: '/c' })?.directory).toBe('/c/lockstep/mnist');
  expect(readEarly({ dataset: 'digits' }, { LOCKSTEP_DATA: '/b' })).toBeUndefined();
  expect(readEarly({ dataset: 'kmnist' }, { XDG_CACHE_HOME: '/c' })?.directory).toBe('/c/lockstep/kmnist');
  expect(readEarly({ dataset: 'emnist-letters' }, { XDG_CACHE_HOME: '/c' })?.directory).toBe('/c/lockstep/emnist');
  expect(readEarly({ dataset: 'toString' }, { XDG_CACHE_HOME: '/c' })?.directory).toBe('/c/lockstep/mnist');
});

it('is passed over when another data set of the directory is wanted', async () => {
  const path = await filled((name, bytes) => [`emnist-digits-${name}`, bytes]);
  const early = readEarly({ data: path }, {});
  expect(early?.wanted).toBeNull();
  const loaded = await loadDataset({ dataset: 'emnist-digits', directory: path, early });
  expect(loaded.name).toBe('emnist-digits');
  expect((await early?.claim())?.classes).toBe(3);
});

it('begins with the words of a command line if they plainly begin a new run', async () => {
  const place = (...words: string[]) => readEarlyFor(words, { LOCKSTEP_DATA: '/b' })?.directory;
  expect(place('train', '--lr', '0.1', '--data', '/a', '--workers=2')).toBe('/a');
  expect(place('train', '--data=/a', '--profile')).toBe('/a');
  expect(place('train', '--epochs', '3', '--dataset', 'mnist')).toBe('/b');
  for (const others of ['--dataset digits', '--resume run', '--config file', '--help', '--data']) {
    expect(place('train', ...others.split(' ')), others).toBeUndefined();
  }
  expect(place('view', '--data', '/a')).toBeUndefined();
  expect(place()).toBeUndefined();
});

it('is passed over when another directory is loaded', async () => {
  const early = readEarly({ data: await directory() }, {});
  const loaded = await loadDataset({ dataset: 'auto', directory: await filled(), early });
  expect(loaded.sha256).toBe(published.sha256);
});

it('leaves the error to whoever loads the data set', async () => {
  const early = readEarly({ data: '/nowhere' }, {});
  const failure = loadDataset({ dataset: 'auto', directory: '/nowhere', early });
  await expect(failure).rejects.toThrow('/nowhere holds no data set: no such file');
});

it('does not keep the data set once it has been claimed', async () => {
  const path = await filled();
  const early = readEarly({ data: path }, {});
  expect((await early?.claim())?.classes).toBe(3);
  expect(await early?.claim()).toBeNull();
  expect((await loadDataset({ dataset: 'auto', directory: path, early })).sha256).toBe(published.sha256);
});
