/** Makes zip archives, with the fields that a reader needs. */
import { deflateRawSync } from 'node:zlib';

export interface ZippedFile {
  readonly path: string;
  readonly bytes: Buffer;
  readonly isDeflated: boolean;
}

export function zipOf(files: readonly ZippedFile[]): Buffer {
  const [contents, list]: [Buffer[], Buffer[]] = [[], []];
  let offset = 0;
  for (const { path, bytes, isDeflated } of files) {
    const packed = isDeflated ? deflateRawSync(bytes) : bytes;
    // Headers may have an extra field, of another length in each of the two places.
    const local = header(30, 0x04034b50, { 26: path.length, 28: 5 });
    const content = Buffer.concat([local, Buffer.from(path), Buffer.alloc(5), packed]);
    const entry = header(46, 0x02014b50, { 10: isDeflated ? 8 : 0, 28: path.length, 30: 3 });
    for (const [at, value] of [
      [20, packed.length],
      [24, bytes.length],
      [42, offset],
    ]) {
      entry.writeUInt32LE(value, at);
    }
    contents.push(content);
    list.push(entry, Buffer.from(path), Buffer.alloc(3));
    offset += content.length;
  }
  const end = header(22, 0x06054b50, { 10: files.length });
  end.writeUInt32LE(Buffer.concat(list).length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...contents, ...list, end]);
}

/** A header of zeros, but for its signature and these fields of two bytes. */
function header(length: number, signature: number, fields: Readonly<Record<number, number>>): Buffer {
  const bytes = Buffer.alloc(length);
  bytes.writeUInt32LE(signature, 0);
  for (const [at, value] of Object.entries(fields)) bytes.writeUInt16LE(value, Number(at));
  return bytes;
}
