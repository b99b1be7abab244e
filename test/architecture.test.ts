/** Checks rules that the compiler does not enforce: the direction of imports, and what must not affect the weights. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');

function sources(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.d.ts'))
    .map((name) => join(folder, name));
}

function imports(path: string): string[] {
  const text = readFileSync(join(root, path), 'utf8');
  const found = [...text.matchAll(/(?:from|import) '([^']+)'/g)].map((match) => match[1]);
  return found.map((name) => (name.startsWith('.') ? relative(root, resolve(root, dirname(path), name)) : name));
}

function offenders(paths: string[], allowed: (imported: string, from: string) => boolean): string[] {
  return paths.flatMap((path) =>
    imports(path)
      .filter((name) => !allowed(name, path))
      .map((name) => `${path} imports ${name}`),
  );
}

const isOwn = (name: string) => /^(shared|worker|coordinator|test)\//.test(name);

test('shared imports nothing but itself, and one codec', () => {
  const allowed = (name: string, from: string) =>
    name.startsWith('shared/') || (name === 'msgpackr/pack' && from === 'shared/protocol/codec.ts');
  expect(offenders(sources('shared'), allowed)).toEqual([]);
});

test('a worker knows no coordinator', () => {
  const allowed = (name: string) => !isOwn(name) || /^(shared|worker)\//.test(name);
  expect(offenders(sources('worker'), allowed)).toEqual([]);
});

test('the driver of a worker runs wherever a socket is handed in', () => {
  const allowed = (name: string) =>
    name.startsWith('shared/') || /^worker\/(assignment|leased-sums|session|session-events)\.js$/.test(name);
  const paths = ['worker/session-driver.ts', 'worker/assignment.ts', 'worker/leased-sums.ts'];
  expect(offenders(paths, allowed)).toEqual([]);
});

test('what runs in browsers alone is imported by browsers alone', () => {
  const paths = [...sources('worker'), ...sources('coordinator')].filter((path) => !path.startsWith('worker/browser/'));
  expect(offenders(paths, (name) => !name.startsWith('worker/browser/'))).toEqual([]);
  const allowed = (name: string) => !/^node:|^ws$/.test(name);
  expect(offenders(sources('worker/browser'), allowed)).toEqual([]);
});

test('only the command line and the library put coordinator and worker together', () => {
  const entry = /^coordinator\/(cli\/|library\.ts$)/;
  const paths = sources('coordinator').filter((path) => !entry.test(path));
  const allowed = (name: string) => !isOwn(name) || /^(shared|coordinator)\//.test(name);
  expect(offenders(paths, allowed)).toEqual([]);
});

test('the core is a library: nothing below the command line imports it, or what only it needs', () => {
  const paths = [...sources('coordinator'), ...sources('worker'), ...sources('shared')];
  const below = paths.filter((path) => !path.startsWith('coordinator/cli/'));
  const shell = /^(coordinator\/cli\/|pino|cli-progress|yargs|node:v8$|node:vm$)/;
  expect(offenders(below, (name) => !shell.test(name))).toEqual([]);
});

test('the dashboard knows the coordinator by what it is told alone', () => {
  const allowed = (name: string) =>
    !isOwn(name) ||
    /^(shared|coordinator\/page)\/|^coordinator\/(web\/state|export\/page-content|picture\/run-line)\.js$/.test(name);
  const imported = offenders(sources('coordinator/page'), (name) => allowed(name) && !name.startsWith('node:'));
  expect(imported).toEqual([]);
});

test('the pool knows nothing of how shards are computed', () => {
  const below = ['shared/pool', 'shared/arithmetic', 'shared/optimizer'].flatMap(sources);
  expect(offenders(below, (name) => !name.startsWith('shared/compute/'))).toEqual([]);
});

test('only the WebAssembly backend knows WebAssembly, and who reads or fetches its binary knows the backend', () => {
  const folder = 'shared/arithmetic/webassembly/';
  const others = ['shared', 'worker', 'coordinator'].flatMap(sources).filter((path) => !path.startsWith(folder));
  const named = others.filter((path) =>
    /\bWebAssembly\.\w|webassembly\.d\.ts/.test(readFileSync(join(root, path), 'utf8')),
  );
  expect(named).toEqual([]);
  const binaries = new Set([
    'shared/arithmetic/backends.ts',
    'worker/node-platform.ts',
    'worker/browser/platform.ts',
    'coordinator/page/classifier-worker.ts',
    'coordinator/page/model-page.ts',
  ]);
  // Native kernels compute in a memory of WebAssembly, which grows in place and is fast to read.
  const memory = (name: string, from: string) =>
    name === `${folder}memory.js` && from === 'shared/arithmetic/native/backend.ts';
  const known = offenders(others, (name, from) => !name.startsWith(folder) || binaries.has(from) || memory(name, from));
  expect(known).toEqual([]);
});

test('no files import each other in a circle', () => {
  const paths = ['shared', 'worker', 'coordinator'].flatMap(sources);
  const files = (path: string) => imports(path).map((name) => name.replace(/\.js$/, '.ts'));
  expect(circles(new Map(paths.map((path) => [path, files(path)])))).toEqual([]);
});

/** Groups of files that reach each other by imports, of values or types (Tarjan 1972). */
function circles(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  const numbers = new Map<string, number>();
  /** The smallest number of a file on the stack that a file reaches by imports. */
  const lowest = new Map<string, number>();
  const stack: string[] = [];
  const found: string[][] = [];
  const visit = (path: string): void => {
    numbers.set(path, numbers.size);
    lowest.set(path, numbers.get(path)!);
    stack.push(path);
    for (const next of graph.get(path)!) {
      if (!graph.has(next)) continue;
      if (!numbers.has(next)) visit(next);
      if (stack.includes(next)) lowest.set(path, Math.min(lowest.get(path)!, lowest.get(next)!));
    }
    if (lowest.get(path) !== numbers.get(path)) return;
    const group = stack.splice(stack.indexOf(path));
    if (group.length > 1) found.push(group.sort());
  };
  for (const path of graph.keys()) if (!numbers.has(path)) visit(path);
  return found;
}

test('a circle of imports is found', () => {
  const graph = { a: ['b'], b: ['c', 'd'], c: ['a'], d: ['e'], e: ['ws'], f: ['a', 'f2'], f2: ['f'] };
  expect(circles(new Map(Object.entries(graph)))).toEqual([
    ['a', 'b', 'c'],
    ['f', 'f2'],
  ]);
});

test('the pure cores import no shell', () => {
  const session = ['worker/session.ts', 'worker/session-events.ts', 'worker/held-work.ts'];
  const isPure = (name: string) => name.startsWith('shared/') || session.includes(name.replace(/\.js$/, '.ts'));
  expect(offenders([...session, 'coordinator/run/trainer.ts'], isPure)).toEqual([]);
  // Of the shared files, a pure core may import only tables, limits and rules: no memory, no frames, no threads.
  const cores = [
    ...sources('shared/pool').filter((path) => !/driver|partials/.test(path)),
    'shared/fleet/admission.ts',
  ];
  const known =
    /^shared\/(assert|limits|arithmetic\/identity|work\/(kinds|task)|pool\/.*|protocol\/(errors|messages))\.js$/;
  expect(offenders(cores, (name) => known.test(name) && !/driver|partials/.test(name))).toEqual([]);
});

test('a kind of work, of layer or of optimizer is known by its table alone', () => {
  const paths = [...sources('shared'), ...sources('worker'), ...sources('coordinator')];
  const compared = paths.filter((path) => /\bwork [!=]== '/.test(readFileSync(join(root, path), 'utf8')));
  expect(compared).toEqual([]);
  // A preset describes its layers, so it may import their kinds.
  const mayImport: Readonly<Record<string, RegExp>> = {
    'shared/model/layers/': /^shared\/model\/(layers\/|presets\.ts$)/,
    'shared/optimizer/': /^shared\/optimizer\//,
  };
  const shared = /\/(layer|layers|optimizer|optimizers|rounds|schedule|update)\.js$/;
  const allowed = (name: string, from: string) =>
    shared.test(name) || Object.entries(mayImport).every(([folder, by]) => !name.startsWith(folder) || by.test(from));
  expect(offenders(paths, allowed)).toEqual([]);
});

test('nothing shared asks the clock, chance, or a function whose bits depend on the engine', () => {
  const exact = 'abs|ceil|clz32|floor|fround|imul|max|min|round|sign|sqrt|trunc|LOG2E|PI|SQRT1_2';
  // Powers of two are exact everywhere; other powers are not.
  const banned = new RegExp(`\\bDate\\b|performance\\b|\\bMath\\.(?!(?:${exact})\\b)\\w+|(?<!\\b2 )\\*\\*`);
  const found = sources('shared').flatMap((path) =>
    readFileSync(join(root, path), 'utf8')
      .split('\n')
      .map((line) => line.replace(/^\s*(\/?\*|\/\/).*$/, '').replace(/\/\/.*$/, ''))
      .flatMap((line, i) => (banned.test(line) ? [`${path}:${i + 1} ${line.trim()}`] : [])),
  );
  expect(found).toEqual([]);
});

test('no name is exported twice with different meanings', () => {
  // Both folders read the version from package.json, because neither of them may import the other.
  const same = new Set(['version']);
  const exported = /^export (?:abstract )?(?:async )?(?:const|function\*?|class|interface|type) (\w+)/gm;
  const places = new Map<string, string[]>();
  for (const path of [...sources('shared'), ...sources('coordinator'), ...sources('worker')]) {
    for (const [, name] of readFileSync(join(root, path), 'utf8').matchAll(exported)) {
      places.set(name, [...(places.get(name) ?? []), path]);
    }
  }
  expect([...places].filter(([name, paths]) => paths.length > 1 && !same.has(name))).toEqual([]);
});
