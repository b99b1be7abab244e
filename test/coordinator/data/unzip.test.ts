import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { unzip } from '../../../coordinator/data/unzip.js';
import { directory } from './fixture.js';
import { zipOf } from './zip.js';

const text = Buffer.from('one line\n'.repeat(1000));
const archive = zipOf([
  { path: 'folder/', bytes: Buffer.alloc(0), isDeflated: false },
  { path: 'folder/stored.txt', bytes: text, isDeflated: false },
  { path: 'folder/deflated.txt', bytes: text, isDeflated: true },
]);

/** Unpacks one file of an archive of these bytes. */
async function unzipped(bytes: Buffer, name: string): Promise<Buffer> {
  const [path, target] = [join(await directory(), 'archive.zip'), join(await directory(), name)];
  await writeFile(path, bytes);
  await unzip(path, name, target);
  return readFile(target);
}

it.each(['stored.txt', 'deflated.txt'])('unpacks %s, whatever its folder', async (name) => {
  expect(await unzipped(archive, name)).toEqual(text);
});

it('finds the list of files before a comment', async () => {
  const commented = Buffer.concat([archive, Buffer.from('a comment')]);
  commented.writeUInt16LE(9, archive.length - 2);
  expect(await unzipped(commented, 'stored.txt')).toEqual(text);
});

/** The archive with other bytes behind the last place where a signature begins. */
function changed(signature: number, offset: number, value: number): Buffer {
  const [bytes, wanted] = [Buffer.from(archive), Buffer.alloc(4)];
  wanted.writeUInt32LE(signature);
  bytes.writeUInt32LE(value, bytes.lastIndexOf(wanted) + offset);
  return bytes;
}

it.each<[string, Buffer, string]>([
  ['another file', Buffer.from('<html>'), 'it is not a zip archive'],
  ['half an archive', archive.subarray(0, archive.length / 2), 'it is not a zip archive'],
  ['a list outside of the archive', changed(0x06054b50, 16, 0xfffffff0), 'its list of files is damaged'],
  ['a huge list', changed(0x06054b50, 12, 0xfffffff0), 'its list of files is damaged'],
  [
    'a file outside of the archive',
    changed(0x02014b50, 42, 0x7ffffff0),
    'the header of folder/deflated.txt is damaged',
  ],
  ['another size', changed(0x02014b50, 24, 7), `has ${text.length} of 7 bytes`],
  ['an unknown method', changed(0x02014b50, 8, 14 << 16), 'is packed by method 14'],
])('refuses %s', async (_, bytes, sentence) => {
  const failure = unzipped(bytes, 'deflated.txt');
  await expect(failure).rejects.toMatchObject({ code: 'data-invalid' });
  await expect(failure).rejects.toThrow(sentence);
});

it('names a file that is not there', async () => {
  await expect(unzipped(archive, 'other.txt')).rejects.toThrow('archive.zip: it has no file other.txt');
});
