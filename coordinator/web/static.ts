/**
 * The pages and what they load, a few hundred kilobytes, read into memory once: viewers cost no disk reads, and no request
 * meets a file that is being replaced. The build has compressed the files already.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface StaticFile {
  readonly type: string;
  /** Of the content. */
  readonly hash: string;
  readonly plain: Buffer;
  /** The compressed versions, the smallest first. */
  readonly compressed: readonly Encoded[];
}

const types: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  wasm: 'application/wasm',
  svg: 'image/svg+xml',
  png: 'image/png',
};

const suffixes = [
  ['br', '.br'],
  ['gzip', '.gz'],
] as const;

export interface Encoded {
  readonly encoding: 'br' | 'gzip' | null;
  readonly bytes: Buffer;
}

/** By request path: `/` for index.html, `/join` for join.html. */
export type StaticFiles = ReadonlyMap<string, StaticFile>;

/** Where the build puts what browsers are served. */
const built = fileURLToPath(new URL('../../web', import.meta.url));

/** The pages that were built with this program. */
export function staticFiles(): StaticFiles {
  return loadStaticFiles(built);
}

/** Empty when the pages have not been built. */
export function loadStaticFiles(directory: string): StaticFiles {
  const files = new Map<string, StaticFile>();
  if (!existsSync(directory)) return files;
  const names = new Set(readdirSync(directory));
  for (const name of names) {
    const type = types[name.slice(name.lastIndexOf('.') + 1)];
    if (type === undefined) continue;
    const plain = readFileSync(join(directory, name));
    const compressed = suffixes
      .filter(([, suffix]) => names.has(name + suffix))
      .map(([encoding, suffix]) => ({ encoding, bytes: readFileSync(join(directory, name + suffix)) }));
    const hash = createHash('sha256').update(plain).digest('base64url').slice(0, 22);
    files.set(pathOf(name), { type, hash, plain, compressed });
  }
  return files;
}

/** The version to send to a client that accepts these encodings. */
export function encodedFor({ plain, compressed }: StaticFile, accepted: string): Encoded {
  const offers = accepted.split(',').map((offer) => offer.trim().split(';')[0]);
  return compressed.find(({ encoding }) => offers.includes(encoding ?? 'identity')) ?? { encoding: null, bytes: plain };
}

function pathOf(name: string): string {
  if (name === 'index.html') return '/';
  return `/${name.replace(/\.html$/, '')}`;
}
