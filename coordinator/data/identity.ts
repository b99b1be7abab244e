/** Says which published data set a directory holds, and what the classes of a data set are called. */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Dataset } from '../../shared/data/dataset.js';
import { LockstepError } from '../../shared/errors.js';
import { limits } from '../../shared/limits.js';
import { isPrintable } from '../../shared/text.js';
import type { FoundFiles } from './directory.js';
import { publishedDatasets } from './published.js';
import type { PublishedDataset } from './published-dataset.js';

/**
 * The published data set that these files are. The hash decides where it is known. Otherwise, the files' names do, then the
 * user, who asks for `wanted`, then the name of the directory. Null if they are none of them.
 */
export function identify(
  sha256: string,
  { prefix, place }: Pick<FoundFiles, 'prefix' | 'place'>,
  wanted: PublishedDataset | null,
): PublishedDataset | null {
  const all: readonly PublishedDataset[] = Object.values(publishedDatasets);
  const same = all.find((set) => set.sha256 === sha256);
  if (same !== undefined) return same;
  const possible = all.filter((set) => set.sha256 === undefined);
  if (prefix !== '') return possible.find((set) => set.prefix === prefix) ?? null;
  if (wanted !== null && wanted.sha256 === undefined) return wanted;
  const there = possible.filter((set) => set.places.includes(place));
  return there.length === 1 ? there[0] : null;
}

/** The file in the directory of a data set that names its classes, one a line. */
const classesFile = 'classes.txt';

/** The names of the classes: those in `classes.txt`, or those of the published set. Null where the labels are the names. */
export async function findClassNames(
  { classes }: Pick<Dataset, 'classes'>,
  { directory }: Pick<FoundFiles, 'directory'>,
  published: PublishedDataset | null,
): Promise<readonly string[] | null> {
  const own = await readClassNames(join(directory, classesFile));
  if (own !== null && own.length < classes) {
    throw invalid(directory, `it has ${own.length} names, but the labels go from 0 to ${classes - 1}`);
  }
  const names = own ?? published?.classNames ?? [];
  return names.length < classes ? null : names.slice(0, classes);
}

async function readClassNames(path: string): Promise<readonly string[] | null> {
  const bytes = await stat(path).then(
    ({ size }) => size,
    () => null,
  );
  if (bytes === null) return null;
  if (bytes > limits.classesFileBytesMax) {
    throw new LockstepError('data-invalid', `${path} is larger than a list of classes can be; one class a line`);
  }
  const text = await readFile(path, 'utf8');
  const names = text
    .replace(/^\uFEFF/, '')
    .trimEnd()
    .split('\n')
    .map((name) => name.trim());
  const wrong = names.findIndex((name) => !isClassName(name));
  if (wrong < 0) return names;
  const expected = `expected a name of 1 to ${limits.classNameLengthMax} printable characters`;
  throw new LockstepError('data-invalid', `${path}: line ${wrong + 1}: ${expected}; one class a line, or no such file`);
}

function isClassName(name: string): boolean {
  return name.length > 0 && name.length <= limits.classNameLengthMax && isPrintable(name);
}

function invalid(directory: string, what: string): LockstepError {
  const remedy = 'write one name a line, the name of class 0 first';
  return new LockstepError('data-invalid', `${join(directory, classesFile)}: ${what}; ${remedy}`);
}
