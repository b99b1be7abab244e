/**
 * Finds the files of a data set by their names: in a directory, or in a folder below it where other programs keep data
 * sets. Nothing is read but names.
 */
import type { Dirent } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { LockstepError } from '../../shared/errors.js';
import { describeFault } from './fault.js';
import { publishedDatasets } from './published.js';
import type { PublishedDataset } from './published-dataset.js';

/** Paths of the four files. */
export interface DatasetPaths {
  readonly trainImages: string;
  readonly trainLabels: string;
  readonly testImages: string;
  readonly testLabels: string;
}

/** The four files, and what their names and their place say of them. */
export interface FoundFiles extends DatasetPaths {
  /** What their names have before `train-` and `t10k-`, in small letters and without the hyphen. Mostly nothing. */
  readonly prefix: string;
  /** The directory of the files. */
  readonly directory: string;
  /** The folder below the directory that was searched, or the name of that directory; in small letters. */
  readonly place: string;
}

type Role = keyof DatasetPaths;

/** Those files of one data set that a directory holds. */
interface Group {
  readonly prefix: string;
  readonly files: Map<Role, string>;
}

const fileName = /^(?:(.+?)[-_.])?(train|t10k|test)[-_.](images|labels)[-_.]idx\d[-_.](?:ubyte|int)(?:\.gz)?$/i;

const ordinary: Readonly<Record<Role, string>> = {
  trainImages: 'train-images-idx3-ubyte',
  trainLabels: 'train-labels-idx1-ubyte',
  testImages: 't10k-images-idx3-ubyte',
  testLabels: 't10k-labels-idx1-ubyte',
};

const roles = Object.keys(ordinary) as Role[];

/**
 * Finds the four files of a data set in `root`, or says why there are none. If `wanted` is given, files of other data sets
 * are passed over. Throws `usage` if there are several data sets to choose from.
 */
export async function findDataset(
  root: string,
  wanted: PublishedDataset | null,
): Promise<FoundFiles | { readonly missing: string }> {
  let entries: Dirent[];
  try {
    entries = await readdir(root, { withFileTypes: true });
  } catch (error) {
    return { missing: describeFault(error) };
  }
  const here = await groupsIn(root, entries, wanted);
  const whole = here.filter(isWhole);
  if (whole.length > 0)
    return theOnlyOne(
      root,
      whole.map((group) => filesOf(root, basename(resolve(root)), group)),
    );
  if (here.length > 0) return { missing: lack(here) };
  const below: FoundFiles[] = [];
  for (const place of await placesBelow(root, entries, wanted)) {
    const directory = join(root, place);
    const groups = await groupsIn(directory, await entriesOf(directory), wanted);
    below.push(...groups.filter(isWhole).map((group) => filesOf(directory, place.toLowerCase(), group)));
  }
  if (below.length > 0) return theOnlyOne(root, below);
  return { missing: `it lacks ${Object.values(examplesFor(wanted?.prefix ?? '')).join(', ')} (or .gz)` };
}

/** The data sets of which a directory holds a file. Of a published one that is wanted, files with its prefix go first. */
async function groupsIn(directory: string, entries: Dirent[], wanted: PublishedDataset | null): Promise<Group[]> {
  const groups = new Map<string, Group>();
  // Of several files for one role, the first is taken. A decompressed file sorts before its `.gz`, and loads faster.
  for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const match = fileName.exec(entry.name);
    if (match === null) continue;
    const [, prefix = '', part, kind] = match;
    const path = entry.isDirectory() ? await sameNameWithin(directory, entry.name) : entry.name;
    if (path === null) continue;
    const key = prefix.toLowerCase().replaceAll(/[_.]/g, '-');
    const group = groups.get(key) ?? { prefix: key, files: new Map() };
    groups.set(key, group);
    const role = roleOf(part, kind);
    if (!group.files.has(role)) group.files.set(role, path);
  }
  if (wanted === null) return [...groups.values()];
  const fitting = [groups.get(wanted.prefix ?? ''), groups.get('')].filter((group) => group !== undefined);
  return fitting.slice(0, 1);
}

function roleOf(part: string, kind: string): Role {
  const isTrain = part.toLowerCase() === 'train';
  if (kind.toLowerCase() === 'images') return isTrain ? 'trainImages' : 'testImages';
  return isTrain ? 'trainLabels' : 'testLabels';
}

/** Some archives unpack each file into a folder of the file's own name. */
async function sameNameWithin(directory: string, name: string): Promise<string | null> {
  const within = await entriesOf(join(directory, name));
  return within.some((entry) => entry.name === name && !entry.isDirectory()) ? join(name, name) : null;
}

function isWhole({ files }: Group): boolean {
  return files.size === roles.length;
}

function filesOf(directory: string, place: string, { prefix, files }: Group): FoundFiles {
  const path = (role: Role) => join(directory, files.get(role) as string);
  return {
    trainImages: path('trainImages'),
    trainLabels: path('trainLabels'),
    testImages: path('testImages'),
    testLabels: path('testLabels'),
    prefix,
    directory,
    place: place.toLowerCase(),
  };
}

function theOnlyOne(root: string, found: readonly FoundFiles[]): FoundFiles {
  if (found.length === 1) return found[0];
  const names = found.map(({ prefix, place }) => prefix || place);
  const remedy = 'name one of them with --dataset, or name a directory that holds no other';
  throw new LockstepError('usage', `${root} holds ${found.length} data sets: ${names.join(', ')}; ${remedy}`);
}

/** What the data set that is the most complete has, and what it lacks. */
function lack(groups: readonly Group[]): string {
  const [{ prefix, files }] = groups.toSorted((a, b) => b.files.size - a.files.size);
  const examples = examplesFor(prefix);
  const there = roles.map((role) => files.get(role)).filter((name) => name !== undefined);
  const lacking = roles.filter((role) => !files.has(role)).map((role) => examples[role]);
  return `it has ${there.join(', ')}, but lacks ${lacking.join(', ')} (or .gz)`;
}

function examplesFor(prefix: string): Readonly<Record<Role, string>> {
  if (prefix === '') return ordinary;
  const named = Object.entries(ordinary).map(([role, name]) => [role, `${prefix}-${name.replace('t10k', 'test')}`]);
  return Object.fromEntries(named);
}

/** The folders below `root` in which other programs keep data sets. */
async function placesBelow(root: string, entries: Dirent[], wanted: PublishedDataset | null): Promise<string[]> {
  const sets = wanted === null ? Object.values(publishedDatasets) : [wanted];
  const usual = new Set(['raw', ...sets.flatMap(({ places }) => places)]);
  const found: string[] = [];
  for (const { name } of entries.filter((entry) => !entry.isFile())) {
    if (usual.has(name.toLowerCase())) found.push(name);
    const isAbove = [...usual].some((place) => place.startsWith(`${name.toLowerCase()}/`));
    const within = isAbove ? await entriesOf(join(root, name)) : [];
    const paths = within.filter((entry) => !entry.isFile()).map((entry) => `${name}/${entry.name}`);
    found.push(...paths.filter((path) => usual.has(path.toLowerCase())));
  }
  return found;
}

/** The entries of a directory, or none if it cannot be read. */
function entriesOf(directory: string): Promise<Dirent[]> {
  return readdir(directory, { withFileTypes: true }).catch(() => []);
}
