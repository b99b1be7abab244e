/**
 * The file operations that a run directory uses, behind an interface. A test can make any of them fail, or stop a run
 * at any of them.
 *
 * After a power cut, only this is certain to survive: the bytes of a file, once its `sync` has resolved; and a created,
 * renamed or removed name, once `syncDirectory` of its directory has resolved.
 */
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** A file open for writing. */
export interface OpenFile {
  /** Appends bytes. If it fails, some of the bytes may have been written. */
  write(bytes: Uint8Array): Promise<void>;
  truncate(length: number): Promise<void>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** The operations. Like Node's, they reject with an `Error` that has a `code`. */
export interface Files {
  /** Opens an empty file. An existing file loses its content. */
  create(path: string): Promise<OpenFile>;
  /** Opens a file at its end. A missing file is created. */
  append(path: string): Promise<OpenFile>;
  read(path: string): Promise<Uint8Array>;
  /** The names in a directory, in any order. */
  list(path: string): Promise<string[]>;
  /** Creates one directory in an existing one. Rejects with `EEXIST` if the name is in use. */
  makeDirectory(path: string): Promise<void>;
  /** If a file named `to` exists, it is replaced. */
  rename(from: string, to: string): Promise<void>;
  /** Removing a missing file is not an error. */
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
  // Windows cannot open a directory, and its file system journals names by itself.
  if (process.platform === 'win32') return;
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } catch (error) {
    // Some network file systems cannot sync a directory.
    if (!['EINVAL', 'ENOTSUP'].includes(codeOf(error))) throw error;
  } finally {
    await handle.close();
  }
}

/** The file operations of this machine. */
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

/** The names of unfinished files end with this. */
const temporarySuffix = '.tmp';

/**
 * Replaces the file at `path` in one step. At every moment, even after a power cut, `path` holds either the whole old
 * file or the whole new file. Once this resolves, it holds the new one. `parts` are written one after the other.
 */
export async function atomicWrite(files: Files, path: string, parts: readonly Uint8Array[]): Promise<void> {
  const temporary = path + temporarySuffix;
  try {
    await writeSynced(files, temporary, parts);
    await files.rename(temporary, path);
  } catch (error) {
    // An unfinished file is useless, and a full disk needs the space. If removing it fails too, the first error is
    // still the one to report.
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

/** Creates a directory and all missing directories above it, so that they survive a power cut. */
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

/** The names in a directory. If the directory does not exist, the list is empty. */
export async function listIfThere(files: Files, path: string): Promise<string[]> {
  try {
    return await files.list(path);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  }
}

/** Removes the temporary files that interrupted writes have left in a directory. */
export async function removeTemporaries(files: Files, directory: string): Promise<void> {
  for (const name of await listIfThere(files, directory)) {
    if (name.endsWith(temporarySuffix)) await files.remove(join(directory, name));
  }
}

/** The operating system's code of an error, such as `ENOENT`. Empty for errors without a code. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
