/** Reads the files of a run directory while another process may be writing them. Nothing here writes. */
import { open, readdir, readFile, stat } from 'node:fs/promises';
import { codeOf } from '../archive/files.js';

/** If an operation fails, it rejects with an `Error` that has a `code`, like Node's errors. */
export interface ReadableFiles {
  /** The names in a directory, in any order. */
  list(path: string): Promise<string[]>;
  read(path: string): Promise<Uint8Array>;
  /** At most `bytesMax` bytes from the position `from` on. If the file ends before that, there are no bytes. */
  readSome(path: string, from: number, bytesMax: number): Promise<Uint8Array>;
  /** A text that changes when the content of the file changes, or null if there is no such file. */
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
