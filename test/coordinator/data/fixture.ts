/** A tiny data set, in directories and on mirrors on this machine. */
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { onTestFinished } from 'vitest';
import type { PublishedDataset } from '../../../coordinator/data/published-dataset.js';
import { encodeIdx } from '../../../shared/data/idx.js';
import { Random } from '../../../shared/random.js';

function idx(...dimensions: number[]): Buffer {
  const random = new Random(1, ...dimensions);
  const values = new Uint8Array(dimensions.reduce((product, dimension) => product * dimension, 1));
  for (let i = 0; i < values.length; i++) values[i] = dimensions.length === 1 ? i % 3 : random.below(256);
  return Buffer.from(encodeIdx({ dimensions, values }));
}

/** The decompressed files by name. The images do not compress, so half a download is about half of the images. */
export const files: Readonly<Record<string, Buffer>> = {
  'train-labels-idx1-ubyte': idx(900),
  't10k-labels-idx1-ubyte': idx(30),
  't10k-images-idx3-ubyte': idx(30, 9, 11),
  'train-images-idx3-ubyte': idx(900, 9, 11),
};

export const names = Object.keys(files).sort();

export function sha256(...parts: Buffer[]): string {
  return createHash('sha256').update(Buffer.concat(parts)).digest('hex');
}

export const published: PublishedDataset = {
  name: 'tiny',
  places: [],
  mirrors: [],
  sha256: sha256(
    files['train-images-idx3-ubyte'],
    files['train-labels-idx1-ubyte'],
    files['t10k-images-idx3-ubyte'],
    files['t10k-labels-idx1-ubyte'],
  ),
  files: Object.entries(files).map(([name, bytes]) => ({ name, bytes: bytes.length, sha256: sha256(bytes) })),
};

/** A new empty directory, for one test. */
export async function directory(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'lockstep-data-'));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

/** Makes a directory with the data set. `change` may change a file's name and bytes, or leave it out with null. */
export async function filled(
  change: (name: string, bytes: Buffer) => [name: string, bytes: Buffer] | null = (name, bytes) => [name, bytes],
): Promise<string> {
  const path = await directory();
  for (const [name, bytes] of Object.entries(files)) {
    const [changedName, changed] = change(name, bytes) ?? [];
    if (!changedName || !changed) continue;
    await mkdir(dirname(join(path, changedName)), { recursive: true });
    await writeFile(join(path, changedName), changed);
  }
  return path;
}

/** The names of the files in the cache under `home`. */
export async function cached(home: string): Promise<string[]> {
  return (await readdir(join(home, 'lockstep', 'tiny')).catch(() => [])).sort();
}

/** Answers a mirror's request for a file. */
export type Reply = (response: ServerResponse, zipped: Buffer, name: string) => void;

export const whole: Reply = (response, zipped) => {
  response.writeHead(200, { 'content-length': zipped.length }).end(zipped);
};

/** Starts a mirror for one test. A file that is not of the data set is empty, unless `reply` sends something else. */
export async function mirror(reply: Reply): Promise<{ url: string; requests: string[] }> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    const name = (request.url ?? '').replace('/mnist/', '').replace(/\.gz$/, '');
    requests.push(name);
    reply(response, gzipSync(files[name] ?? ''), name);
  });
  const url = `http://127.0.0.1:${await listen(server)}/mnist/`;
  onTestFinished(() => stop(server));
  return { url, requests };
}

/** The address of a mirror that does not exist. */
export async function nobody(): Promise<string> {
  const server = createServer();
  const port = await listen(server);
  await stop(server);
  return `http://127.0.0.1:${port}/mnist/`;
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}

function stop(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
