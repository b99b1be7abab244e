/** Tests the file operations on this machine's disk. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  atomicWrite,
  ensureDirectory,
  listIfThere,
  nodeFiles,
  removeTemporaries,
} from '../../../coordinator/archive/files.js';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'lockstep-files-'));
});
afterEach(() => rmSync(root, { recursive: true }));

describe('nodeFiles', () => {
  it('appends, and cuts off', async () => {
    const path = join(root, 'log');
    writeFileSync(path, 'one\n');
    const file = await nodeFiles.append(path);
    await file.write(Buffer.from('two\nthr'));
    await file.truncate(8);
    await file.write(Buffer.from('three\n'));
    await file.sync();
    await file.close();
    expect(readFileSync(path, 'utf8')).toBe('one\ntwo\nthree\n');
  });

  it('removes what is there, and does not mind what is not', async () => {
    writeFileSync(join(root, 'a'), '');
    await nodeFiles.remove(join(root, 'a'));
    await nodeFiles.remove(join(root, 'a'));
    expect(readdirSync(root)).toEqual([]);
  });
});

describe('atomicWrite', () => {
  it('replaces a file, one part after the other, and leaves nothing else', async () => {
    const path = join(root, 'file');
    await atomicWrite(nodeFiles, path, [Buffer.from('old and longer')]);
    await atomicWrite(nodeFiles, path, [Buffer.from('n'), Buffer.from('ew')]);
    expect(readFileSync(path, 'utf8')).toBe('new');
    expect(readdirSync(root)).toEqual(['file']);
  });

  it('leaves no temporary file when it cannot put it in place', async () => {
    const path = join(root, 'directory');
    mkdirSync(join(path, 'full'), { recursive: true });
    await expect(atomicWrite(nodeFiles, path, [Buffer.from('x')])).rejects.toThrow();
    expect(readdirSync(root)).toEqual(['directory']);
  });
});

describe('directories', () => {
  it('are made with those above them, and may be there already', async () => {
    const path = join(root, 'a', 'b', 'c');
    await ensureDirectory(nodeFiles, path);
    await ensureDirectory(nodeFiles, path);
    expect(existsSync(path)).toBe(true);
  });

  it('list nothing where they are missing', async () => {
    expect(await listIfThere(nodeFiles, join(root, 'missing'))).toEqual([]);
    writeFileSync(join(root, 'file'), '');
    await expect(listIfThere(nodeFiles, join(root, 'file'))).rejects.toMatchObject({ code: 'ENOTDIR' });
  });

  it('lose only what cut-off writes left', async () => {
    for (const name of ['a', 'a.tmp', 'b.tmp']) writeFileSync(join(root, name), '');
    await removeTemporaries(nodeFiles, root);
    expect(readdirSync(root)).toEqual(['a']);
  });
});
