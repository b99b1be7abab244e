import { writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { type LoadOptions, loadDataset } from '../../../coordinator/data/load.js';
import { mnist } from '../../../coordinator/data/mnist.js';
import { directory, filled, mirror, published, whole } from './fixture.js';

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
    const lacking = 'it lacks train-labels-idx1-ubyte, t10k-labels-idx1-ubyte (or .gz)';
    await expect(failure).rejects.toThrow(`${path} holds no data set: ${lacking}; name a directory`);
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

function inTwo(bytes: Buffer): Buffer {
  return Buffer.concat([gzipSync(bytes.subarray(0, 9)), gzipSync(bytes.subarray(9))]);
}

/** Flips bits of the compressed data. */
function damaged(zipped: Buffer): Buffer {
  for (let i = 40; i < 80; i++) zipped[i] ^= 255;
  return zipped;
}
