/** The few ways in which a run directory is read while another process may be writing it. Nothing here writes. */
import { open, readdir, readFile, stat } from 'node:fs/promises';
import { codeOf } from '../archive/files.js';

/** Failures reject with an `Error` that has a `code`, as Node's do. */
export interface ReadableFiles {
  /** Names in a directory, in no order. */
  list(path: string): Promise<string[]>;
  read(path: string): Promise<Uint8Array>;
  /** The bytes from `from` on, at most `bytesMax`; none where the file is no longer than `from`. */
  readSome(path: string, from: number, bytesMax: number): Promise<Uint8Array>;
  /** Another text whenever the file has another content; null: there is no such file. */
  edition(path: string): Promise<string | null>;
}

export const nodeReadableFiles: ReadableFiles = {
  list: (path) => readdir(path),
  read: (path) => readFile(path),
  readSome: async (path, from, bytesMax) => {
    const file = await open(path, 'r');
    try {
      const { size } = await file.stat();
      const bytes = Buffer.alloc(Math.max(0, Math.min(bytesMax, size - from)));
      const { bytesRead } = await file.read(bytes, 0, bytes.length, from);
      return bytes.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  },
  edition: async (path) => {
    try {
      const { ino, size, mtimeMs } = await stat(path);
      return `${ino}-${size}-${mtimeMs}`;
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return null;
      throw error;
    }
  },
};
