import { readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { DownloadProgress } from '../../../coordinator/data/download.js';
import { type LoadOptions, loadDataset } from '../../../coordinator/data/load.js';
import type { PublishedDataset } from '../../../coordinator/data/published-dataset.js';
import { limits } from '../../../shared/limits.js';
import { cached, directory, files, mirror, names, nobody, published, type Reply, sha256, whole } from './fixture.js';
import { zipOf } from './zip.js';

const LAST = 'train-images-idx3-ubyte';

/** Loads the tiny data set in the same way as MNIST. */
function load(home: string, mirrors: string[], options: Partial<LoadOptions> = {}) {
  return loadDataset({ dataset: 'mnist', environment: { XDG_CACHE_HOME: home }, published, mirrors, ...options });
}

/** A mirror that serves all files except the last. It answers the request for the last one with `reply`. */
function spoilt(reply: Reply): Reply {
  return (response, zipped, name) => (name === LAST ? reply : whole)(response, zipped, name);
}

const notFound: Reply = (response) => response.writeHead(404).end('no such file');
const halfThenSilence: Reply = (response, zipped) => {
  response.writeHead(200, { 'content-length': zipped.length }).write(zipped.subarray(0, zipped.length / 2));
};
const halfThenBreak: Reply = (response, zipped) => {
  response.writeHead(200, { 'content-length': zipped.length });
  response.write(zipped.subarray(0, zipped.length / 2), () => response.destroy());
};
const half: Reply = (response, zipped) => response.end(zipped.subarray(0, zipped.length / 2));
const shortened: Reply = (response, _, name) => response.end(gzipSync(files[name].subarray(0, 1000)));
const lengthened: Reply = (response, _, name) => response.end(gzipSync(Buffer.concat([files[name], files[name]])));
const flipped: Reply = (response, _, name) => {
  const bytes = Buffer.from(files[name]);
  bytes[500] ^= 1;
  response.end(gzipSync(bytes));
};
const page: Reply = (response) => response.end('<html>Please log in to this network</html>');
const encoded: Reply = (response, zipped) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(zipped);

describe('a download', () => {
  it('fills the cache, once', async () => {
    const home = await directory();
    const { url, requests } = await mirror(whole);
    const loaded = await load(home, [url]);
    expect(loaded).toMatchObject({ classes: 3, sha256: published.sha256, train: { count: 900, shape: [9, 11] } });
    expect(await cached(home)).toEqual(names);
    for (const name of names) expect(await readFile(join(home, 'lockstep/tiny', name))).toEqual(files[name]);
    expect((await load(home, [url])).sha256).toBe(published.sha256);
    expect(requests.length).toBe(4);
  });

  it('reports its progress', async () => {
    const { url } = await mirror(whole);
    const reports: DownloadProgress[] = [];
    await load(await directory(), [url], { onProgress: (progress) => reports.push(progress) });
    const ofLast = reports.filter(({ file }) => file === LAST);
    const bytesTotal = gzipSync(files[LAST]).length;
    expect(ofLast[0]).toEqual({ file: LAST, bytes: 0, bytesTotal });
    expect(ofLast.at(-1)).toEqual({ file: LAST, bytes: bytesTotal, bytesTotal });
  });

  it('takes files that the server declares as encoded', async () => {
    const { url } = await mirror(encoded);
    expect((await load(await directory(), [url])).sha256).toBe(published.sha256);
  });

  it.each<[string, Reply, string]>([
    ['HTTP errors', notFound, 'HTTP status 404'],
    ['a broken connection', halfThenBreak, 'the connection broke off'],
    ['half a gzip file', half, 'the gzip data is truncated'],
    ['a shorter file', shortened, `the file is truncated: 1000 of ${files[LAST].length} bytes`],
    ['a longer file', lengthened, `the file is longer than ${files[LAST].length} bytes`],
    ['a wrong sum', flipped, 'the SHA-256 of the file is '],
    ['a web page', page, 'the gzip data is damaged'],
  ])('that ends in %s says so in one sentence and leaves no partial file', async (_, reply, sentence) => {
    const home = await directory();
    const { url } = await mirror(spoilt(reply));
    const failure = load(home, [url]);
    await expect(failure).rejects.toMatchObject({ code: 'data-unavailable' });
    await expect(failure).rejects.toThrow(sentence);
    await expect(failure).rejects.toThrow(`Cannot download ${LAST}: 127.0.0.1`);
    expect(await cached(home)).toEqual(names.filter((name) => name !== LAST));
  });

  it.each<[string, Reply]>([
    ['does not have the file', spoilt(notFound)],
    ['breaks off', spoilt(halfThenBreak)],
    ['has another file', spoilt(flipped)],
  ])('goes to the next mirror when one %s', async (_, reply) => {
    const home = await directory();
    const [first, second] = [await mirror(reply), await mirror(whole)];
    expect((await load(home, [first.url, second.url])).sha256).toBe(published.sha256);
    expect(second.requests).toEqual([LAST]);
    expect(await cached(home)).toEqual(names);
  });

  it('does not wait forever', async () => {
    const home = await directory();
    const { url } = await mirror(halfThenSilence);
    // On a slow machine, 100 ms may end before the connection exists. That counts as a stalled download as well.
    await expect(load(home, [url], { stallMs: 100 })).rejects.toThrow('no data for 0.1 s');
    expect(await cached(home)).toEqual([]);
  });

  it('names every mirror that failed', async () => {
    const [absent, broken] = [await nobody(), (await mirror(notFound)).url];
    const failure = load(await directory(), [absent, broken]);
    await expect(failure).rejects.toThrow(/connection refused \(ECONNREFUSED\); 127\.0\.0\.1:\d+: HTTP status 404\. /);
  });

  it('ends when it is interrupted', async () => {
    const home = await directory();
    const { url } = await mirror(spoilt(halfThenSilence));
    const interrupt = new AbortController();
    const onProgress = ({ file, bytes }: DownloadProgress) => {
      if (file === LAST && bytes > 0) interrupt.abort();
    };
    const failure = load(home, [url], { dataset: 'auto', signal: interrupt.signal, onProgress });
    await expect(failure).rejects.toThrow('was interrupted');
    expect(await cached(home)).toEqual(names.filter((name) => name !== LAST));
  });
});

describe('a data set whose gzip files have published hashes', () => {
  const { sha256: _, ...plain } = published;
  const packed: PublishedDataset = {
    ...plain,
    files: plain.files.map(({ name, bytes }) => ({ name: `${name}.gz`, bytes, sha256: sha256(gzipSync(files[name])) })),
  };

  it('is kept as mirrors offer it', async () => {
    const home = await directory();
    const { url, requests } = await mirror(whole);
    const loaded = await load(home, [url], { published: packed });
    expect([loaded.sha256, loaded.directory]).toEqual([published.sha256, null]);
    expect(await cached(home)).toEqual(names.map((name) => `${name}.gz`));
    await load(home, [url], { published: packed });
    expect(requests.length).toBe(4);
  });

  it('is compared at every start', async () => {
    const home = await directory();
    const { url, requests } = await mirror(whole);
    await load(home, [url], { published: packed });
    // A whole gzip file, but of other content.
    await writeFile(join(home, 'lockstep/tiny', `${LAST}.gz`), gzipSync(flip(files[LAST])));
    expect((await load(home, [url], { published: packed })).sha256).toBe(published.sha256);
    expect(requests.slice(4)).toEqual([LAST]);
  });

  it.each<[string, Reply, string]>([
    ['another file', flipped, 'the SHA-256 of the file is '],
    ['half a file', half, 'the SHA-256 of the file is '],
    ['a file without end', lengthened, `the file is longer than ${files[LAST].length} bytes`],
    ['an encoded file', encoded, 'it sends a Content-Encoding'],
  ])('is refused if a mirror has %s', async (_, reply, sentence) => {
    const home = await directory();
    const { url } = await mirror(spoilt(reply));
    await expect(load(home, [url], { published: packed })).rejects.toThrow(sentence);
    expect(await cached(home)).toHaveLength(3);
  });
});

describe('a data set in an archive', () => {
  const { sha256: _, ...plain } = published;
  const zipped = names.map((name) => `${name}.gz`);
  const entries = names.map((name) => ({ path: `gzip/${name}.gz`, bytes: gzipSync(files[name]), isDeflated: true }));
  const archive = zipOf([{ path: 'gzip/notes.txt', bytes: Buffer.from('notes'), isDeflated: false }, ...entries]);
  const one = { name: 'all.zip', bytes: archive.length, sha256: sha256(archive), unpacked: zipped };
  const archived: PublishedDataset = { ...plain, folder: 'family', files: [one] };
  const sent =
    (bytes: Buffer): Reply =>
    (response) => {
      response.writeHead(200, { 'content-length': bytes.length }).end(bytes);
    };

  it('is unpacked once, into the folder that it shares, and the archive is not kept', async () => {
    const home = await directory();
    const { url, requests } = await mirror(sent(archive));
    expect(await load(home, [url], { published: archived })).toMatchObject({
      sha256: published.sha256,
      directory: null,
    });
    expect((await readdir(join(home, 'lockstep/family'))).sort()).toEqual(zipped);
    await load(home, [url], { published: archived });
    expect(requests).toEqual(['all.zip']);
  });

  it('is downloaded again if a file is damaged', async () => {
    const home = await directory();
    const { url, requests } = await mirror(sent(archive));
    await load(home, [url], { published: archived });
    const path = join(home, 'lockstep/family', zipped[0]);
    const bytes = await readFile(path);
    await writeFile(path, bytes.subarray(0, bytes.length / 2));
    expect((await load(home, [url], { published: archived })).sha256).toBe(published.sha256);
    expect(requests).toEqual(['all.zip', 'all.zip']);
  });

  it('is not unpacked if the archive is another one', async () => {
    const home = await directory();
    const { url } = await mirror(sent(flip(archive)));
    await expect(load(home, [url], { published: archived })).rejects.toThrow('the SHA-256 of the file is ');
    expect(await readdir(join(home, 'lockstep/family'))).toEqual([]);
  });
});

describe('the cache', () => {
  it('may be filled by several at a time', async () => {
    const home = await directory();
    const { url } = await mirror(whole);
    const loaded = await Promise.all([1, 2, 3, 4].map(() => load(home, [url])));
    expect(loaded.map(({ sha256 }) => sha256)).toEqual(new Array(4).fill(published.sha256));
    expect(await cached(home)).toEqual(names);
  });

  it('fetches a damaged or missing file again, and only that', async () => {
    const home = await directory();
    const { url, requests } = await mirror(whole);
    await load(home, [url]);
    await writeFile(join(home, 'lockstep/tiny', LAST), flip(files[LAST]));
    expect((await load(home, [url])).sha256).toBe(published.sha256);
    expect(requests.slice(4)).toEqual([LAST]);
  });

  it('is rid of what a killed process left, but not of what a live one writes', async () => {
    const home = await directory();
    const { url } = await mirror(whole);
    await load(home, [await nobody()]).catch(() => {});
    const [dead, live] = ['dead.part', 'live.part'].map((name) => join(home, 'lockstep/tiny', name));
    await writeFile(dead, '');
    await writeFile(live, '');
    const longAgo = (Date.now() - 2 * limits.downloadLeftoverMs) / 1000;
    await utimes(dead, longAgo, longAgo);
    await load(home, [url]);
    expect(await cached(home)).toEqual(['live.part', ...names]);
  });

  it('that cannot be written is named', async () => {
    const home = join(await directory(), 'file');
    await writeFile(home, '');
    const failure = load(home, [await nobody()]);
    await expect(failure).rejects.toMatchObject({ code: 'data-unavailable' });
    await expect(failure).rejects.toThrow(/^The cache .*tiny cannot be written: .*; set XDG_CACHE_HOME/);
  });
});

function flip(bytes: Buffer): Buffer {
  const flipped = Buffer.from(bytes);
  flipped[700] ^= 255;
  return flipped;
}
