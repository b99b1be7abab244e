/**
 * Unpacks one file of a zip archive (PKWARE's APPNOTE, 4.3): its list of files is at the end of the archive.
 *
 * What this is not: a check of the content. The caller has compared the hash of the whole archive.
 */
import { createReadStream, createWriteStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { PassThrough } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createInflateRaw } from 'node:zlib';
import { LockstepError } from '../../shared/errors.js';
import { limits } from '../../shared/limits.js';

/** A file in an archive. */
interface Entry {
  /** Its path in the archive. */
  readonly path: string;
  readonly method: number;
  readonly packedBytes: number;
  readonly bytes: number;
  /** Where its local header begins. */
  readonly offset: number;
}

const STORED = 0;
const DEFLATED = 8;

const endSignature = 0x06054b50;
const endBytes = 22;
const entrySignature = 0x02014b50;
const entryBytes = 46;
const localSignature = 0x04034b50;
const localBytes = 30;
/** A comment may follow the end record. */
const commentBytesMax = 0xffff;

/** Writes the file called `name`, whatever its folder, to `target`. Throws `data-invalid` if the archive has none. */
export async function unzip(archive: string, name: string, target: string, signal?: AbortSignal): Promise<void> {
  const file = await open(archive);
  try {
    const entry = (await list(file, archive)).find(({ path }) => path.split('/').at(-1) === name);
    if (entry === undefined) throw invalid(archive, `it has no file ${name}`);
    await extract(archive, entry, await contentBegin(file, archive, entry), target, signal);
  } finally {
    await file.close();
  }
}

async function extract(
  archive: string,
  { path, method, packedBytes, bytes }: Entry,
  begin: number,
  target: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (method !== STORED && method !== DEFLATED) throw invalid(archive, `${path} is packed by method ${method}`);
  if (packedBytes === 0) throw invalid(archive, `${path} is empty`);
  const packed = createReadStream(archive, { start: begin, end: begin + packedBytes - 1 });
  const unpack = method === DEFLATED ? createInflateRaw() : new PassThrough();
  const written = createWriteStream(target, { flags: 'wx', flush: true });
  await pipeline(packed, unpack, written, { ...(signal && { signal }) });
  if (written.bytesWritten !== bytes) throw invalid(archive, `${path} has ${written.bytesWritten} of ${bytes} bytes`);
}

async function list(file: FileHandle, archive: string): Promise<Entry[]> {
  const { size } = await file.stat();
  const tail = await read(file, Math.max(0, size - endBytes - commentBytesMax), size);
  const end = lastIndexOf(tail, endSignature);
  if (end < 0 || end + endBytes > tail.length) throw invalid(archive, 'it is not a zip archive');
  const [bytes, begin] = [tail.readUInt32LE(end + 12), tail.readUInt32LE(end + 16)];
  if (bytes > limits.zipDirectoryBytesMax || begin + bytes > size)
    throw invalid(archive, 'its list of files is damaged');
  return [...entriesIn(await read(file, begin, begin + bytes))];
}

function* entriesIn(directory: Buffer): Generator<Entry> {
  let at = 0;
  while (at + entryBytes <= directory.length && directory.readUInt32LE(at) === entrySignature) {
    const pathEnd = at + entryBytes + directory.readUInt16LE(at + 28);
    yield {
      path: directory.toString('utf8', at + entryBytes, pathEnd),
      method: directory.readUInt16LE(at + 10),
      packedBytes: directory.readUInt32LE(at + 20),
      bytes: directory.readUInt32LE(at + 24),
      offset: directory.readUInt32LE(at + 42),
    };
    at = pathEnd + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32);
  }
}

/** Where the content of an entry begins: behind its local header, which has an extra field of its own. */
async function contentBegin(file: FileHandle, archive: string, { path, offset }: Entry): Promise<number> {
  const header = await read(file, offset, offset + localBytes);
  if (header.length < localBytes || header.readUInt32LE(0) !== localSignature) {
    throw invalid(archive, `the header of ${path} is damaged`);
  }
  return offset + localBytes + header.readUInt16LE(26) + header.readUInt16LE(28);
}

async function read(file: FileHandle, begin: number, end: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(end - begin), 0, end - begin, begin);
  return buffer.subarray(0, bytesRead);
}

function lastIndexOf(bytes: Buffer, signature: number): number {
  const wanted = Buffer.alloc(4);
  wanted.writeUInt32LE(signature);
  return bytes.lastIndexOf(wanted);
}

function invalid(archive: string, what: string): LockstepError {
  return new LockstepError('data-invalid', `${archive}: ${what}; remove it and start again`);
}
