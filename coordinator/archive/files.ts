/**
 * The few operations on files that a run directory is made of, so that a test can fail or cut a run at any of them.
 *
 * What survives a power cut: bytes of a file after its `sync`, and names (created, renamed, removed) after
 * `syncDirectory` of the directory they are in. Nothing else.
 */
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** A file open for writing. */
export interface OpenFile {
  /** Appends at the end. When it fails, some of the bytes may be there. */
  write(bytes: Uint8Array): Promise<void>;
  truncate(length: number): Promise<void>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** Failures reject with an `Error` that has a `code`, as Node's do. */
export interface Files {
  /** Opens a file that is empty: new, or emptied. */
  create(path: string): Promise<OpenFile>;
  /** Opens a file at its end, an empty one if there is none. */
  append(path: string): Promise<OpenFile>;
  read(path: string): Promise<Uint8Array>;
  /** Names in a directory, in no order. */
  list(path: string): Promise<string[]>;
  /** One directory; its parent exists. Rejects with `EEXIST` where something has that name. */
  makeDirectory(path: string): Promise<void>;
  /** Replaces what has the name `to`. */
  rename(from: string, to: string): Promise<void>;
  /** No fault if there is no such file. */
  remove(path: string): Promise<void>;
  syncDirectory(path: string): Promise<void>;
}

async function openNode(path: string, flags: 'w' | 'a'): Promise<OpenFile> {
  const handle = await open(path, flags);
  return {
    write: (bytes) => handle.writeFile(bytes),
    truncate: (length) => handle.truncate(length),
    sync: () => handle.sync(),
    close: () => handle.close(),
  };
}

async function syncNodeDirectory(path: string): Promise<void> {
  // Windows cannot open a directory, and journals its names itself.
  if (process.platform === 'win32') return;
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } catch (error) {
    // Some network file systems know no such thing.
    if (!['EINVAL', 'ENOTSUP'].includes(codeOf(error))) throw error;
  } finally {
    await handle.close();
  }
}

/** The machine's own. */
export const nodeFiles: Files = {
  create: (path) => openNode(path, 'w'),
  append: (path) => openNode(path, 'a'),
  read: (path) => readFile(path),
  list: (path) => readdir(path),
  makeDirectory: async (path) => {
    await mkdir(path);
  },
  rename,
  remove: (path) => rm(path, { force: true }),
  syncDirectory: syncNodeDirectory,
};

/** What the names of unfinished files end with. */
const temporarySuffix = '.tmp';

/**
 * Puts a whole file in place, or leaves what was there: at every moment, a power cut included, `path` is the old file
 * or the new one. After it resolves, it is the new one. `parts` are written one after the other.
 */
export async function atomicWrite(files: Files, path: string, parts: readonly Uint8Array[]): Promise<void> {
  const temporary = path + temporarySuffix;
  try {
    await writeSynced(files, temporary, parts);
    await files.rename(temporary, path);
  } catch (error) {
    // Its bytes are of no use, and a full disk needs the room. What failed first is what to tell.
    await files.remove(temporary).catch(() => {});
    throw error;
  }
  await files.syncDirectory(dirname(path));
}

async function writeSynced(files: Files, path: string, parts: readonly Uint8Array[]): Promise<void> {
  const file = await files.create(path);
  try {
    for (const part of parts) await file.write(part);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Makes a directory and those above it, so that they survive a power cut. */
export async function ensureDirectory(files: Files, path: string): Promise<void> {
  try {
    await files.makeDirectory(path);
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return;
    if (codeOf(error) !== 'ENOENT' || dirname(path) === path) throw error;
    await ensureDirectory(files, dirname(path));
    await files.makeDirectory(path);
  }
  await files.syncDirectory(dirname(path));
}

/** Names in a directory; none if there is no such directory. */
export async function listIfThere(files: Files, path: string): Promise<string[]> {
  try {
    return await files.list(path);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  }
}

/** Removes what writes that were cut off have left in a directory. */
export async function removeTemporaries(files: Files, directory: string): Promise<void> {
  for (const name of await listIfThere(files, directory)) {
    if (name.endsWith(temporarySuffix)) await files.remove(join(directory, name));
  }
}

/** The operating system's name for a fault, `ENOENT` and the like; empty for other errors. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
