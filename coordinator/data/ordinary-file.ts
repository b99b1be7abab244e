/**
 * Reads files that a user has named. A name may lead to anything: a pipe, for which a reader would wait without end, or a
 * device that never ends. Only ordinary files are read, and no more than a limit. Only ordinary files are replaced.
 */
import { closeSync, constants, fstatSync, openSync, readFileSync, type Stats } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';

/** Opening a pipe without this flag waits until somebody writes into it. */
const flags = constants.O_RDONLY | constants.O_NONBLOCK;

/** Opens anything that is there, without waiting. */
export function openAtOnce(path: string): Promise<FileHandle> {
  return open(path, flags);
}

/** Rejects with an error whose message is a clause such as "it is a directory, not a file". */
export async function readOrdinaryFile(path: string, bytesMax: number): Promise<Buffer> {
  const file = await openAtOnce(path);
  try {
    check(await file.stat(), bytesMax);
    return await file.readFile();
  } finally {
    await file.close();
  }
}

/** The same, for small files that are needed at once. */
export function readOrdinaryFileSync(path: string, bytesMax: number): Buffer {
  const file = openSync(path, flags);
  try {
    check(fstatSync(file), bytesMax);
    return readFileSync(file);
  } finally {
    closeSync(file);
  }
}

/**
 * Checks a path at which a file is to be put in one step. That step would remove a device or a pipe of that name. Rejects
 * as above.
 */
export async function checkReplaceable(path: string): Promise<void> {
  const found = await stat(path).catch(() => null);
  if (found !== null) checkOrdinary(found);
}

function check(found: Stats, bytesMax: number): void {
  checkOrdinary(found);
  if (found.size > bytesMax) throw new Error(`it has ${found.size} bytes, allowed are ${bytesMax}`);
}

function checkOrdinary(found: Stats): void {
  if (found.isDirectory()) throw new Error('it is a directory, not a file');
  if (!found.isFile()) throw new Error('it is no ordinary file');
}
