/** Checks that pages and comments refer only to files and headings that exist. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = resolve(fileURLToPath(new URL('.', import.meta.url)), '../..');
const folders = ['shared', 'worker', 'coordinator', 'test', 'deploy'];

/** Paths relative to the project's root. */
const files = [
  ...readdirSync(root),
  ...folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name)),
  ),
].filter((path) => !path.includes('node_modules'));

const pages = files.filter((path) => path.endsWith('.md')).map((path) => join(root, path));

/** Files that a run writes. */
const written = new Set(['profile.md']);

/** The anchors of a page's headings, as GitHub makes them: lowercase, spaces as dashes, no punctuation. */
function anchors(page: string): Set<string> {
  const headings = readFileSync(page, 'utf8').matchAll(/^#+ (.+)$/gm);
  return new Set(
    Array.from(headings, ([, text]) =>
      text
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}

function fault(page: string, link: string): string | null {
  const [path, anchor] = link.split('#');
  const target = path === '' ? page : resolve(dirname(page), path);
  if (!existsSync(target)) return `${relative(root, page)}: there is no ${link}`;
  if (anchor === undefined || !target.endsWith('.md') || anchors(target).has(anchor)) return null;
  return `${relative(root, page)}: ${link} has no such heading`;
}

test('links between pages lead to files and headings that exist', () => {
  const links = pages.flatMap((page) =>
    [...readFileSync(page, 'utf8').matchAll(/\]\(([^)\s]+)\)/g)]
      .map(([, link]) => link)
      .filter((link) => !/^[a-z]+:/.test(link))
      .map((link) => ({ page, link })),
  );
  expect(links.length).toBeGreaterThan(30);
  expect(links.map(({ page, link }) => fault(page, link)).filter((sentence) => sentence !== null)).toEqual([]);
});

test('files that pages and comments name exist', () => {
  const names = new Set(files);
  const exists = (name: string) =>
    written.has(name) || names.has(name) || files.some((path) => path.endsWith(`/${name}`));
  const missing = files
    .filter((path) => /\.(ts|mjs|md|css|html|sh|py)$/.test(path))
    .flatMap((path) =>
      // Names before a quote are left out: they are imports, which the compiler checks.
      [
        ...readFileSync(join(root, path), 'utf8').matchAll(
          /(?<![\w./'$-])((?:[\w-]+\/)*[\w.-]+\.(?:ts|md|mjs|py))\b(?!')/g,
        ),
      ]
        // NAME stands for a name that the reader chooses.
        .filter(([, name]) => !/\bNAME\b/.test(name) && !exists(name))
        .map(([, name]) => `${path} names ${name}`),
    );
  expect(missing).toEqual([]);
});
