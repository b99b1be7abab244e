import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodedFor, loadStaticFiles, type StaticFile } from '../../../coordinator/web/static.js';

let directory: string;
let files: ReadonlyMap<string, StaticFile>;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'lockstep-static-'));
  const contents = { 'index.html': 'i', 'join.html': 'j', 'a.js': 'plain', 'a.js.br': 'brotli', 'a.js.gz': 'gzip' };
  for (const [name, content] of Object.entries({ ...contents, 'secret.txt': 'x' })) {
    writeFileSync(join(directory, name), content);
  }
  files = loadStaticFiles(directory);
});
afterAll(() => rmSync(directory, { recursive: true }));

describe('static files', () => {
  it('are served by the paths that people type, and only those of known kinds', () => {
    expect([...files.keys()].sort()).toEqual(['/', '/a.js', '/join']);
    expect(files.get('/')?.type).toBe('text/html; charset=utf-8');
  });

  it.each([
    ['gzip, deflate, br', 'brotli', 'br'],
    ['gzip;q=0.5', 'gzip', 'gzip'],
    ['deflate', 'plain', null],
    ['', 'plain', null],
    ['brown, xgzip', 'plain', null],
  ])('for a client that accepts "%s" are %s', (accepted, content, name) => {
    const { encoding, bytes } = encodedFor(files.get('/a.js') as StaticFile, accepted);
    expect([bytes.toString(), encoding]).toEqual([content, name]);
  });

  it('are none where the pages have not been built', () => {
    expect(loadStaticFiles(join(directory, 'nowhere')).size).toBe(0);
  });
});
