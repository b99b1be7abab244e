/** COMPUTATION.md defines the rules E1, E2, … This checks that every cited rule is defined there. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = resolve(fileURLToPath(new URL('.', import.meta.url)), '../..');
const page = readFileSync(join(root, 'shared/COMPUTATION.md'), 'utf8');
const defined = [...page.matchAll(/^## (E\d+) \w+/gm)].map((match) => match[1]);

/** The files that people read or run: code, pages and scripts, but no data and no generated text. */
const folders = ['shared', 'worker', 'coordinator', 'test', 'deploy'];
const readable = /\.(ts|mjs|js|md|py|sh|css|html)$/;

function citations(): { path: string; rule: string }[] {
  const paths = folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name)),
  );
  return ['README.md', ...paths]
    .filter((path) => readable.test(path) && !path.includes('node_modules'))
    .flatMap((path) =>
      [...readFileSync(join(root, path), 'utf8').matchAll(/(?<![%\w])E\d+\b/g)].map(([rule]) => ({ path, rule })),
    );
}

describe('the rules', () => {
  it('are E1 to E6, each defined once', () => {
    expect(defined).toEqual(['E1', 'E2', 'E3', 'E4', 'E5', 'E6']);
  });

  it('are cited by names that the page defines', () => {
    expect(citations().filter(({ rule }) => !defined.includes(rule))).toEqual([]);
  });

  it('are all cited by the code that keeps them', () => {
    const inCode = citations().filter(({ path }) => path.endsWith('.ts') && !path.startsWith('test/'));
    for (const rule of defined) expect(inCode.map((citation) => citation.rule)).toContain(rule);
  });
});
