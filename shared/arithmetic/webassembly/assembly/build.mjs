/**
 * Compiles the kernels to dist/shared/arithmetic/webassembly/kernels.wasm, unless that file is newer than every source.
 * On success it prints nothing. On a failure it prints the compiler's message and exits with code 1.
 */
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '../../../..');
const output = join(root, 'dist/shared/arithmetic/webassembly/kernels.wasm');

/**
 * The number of pages of the largest 32-bit memory. The binary declares it as the maximum, so that the memory that it
 * gets may have any maximum up to that.
 */
const PAGES_MAX = '65536';

const options = [
  '-O3',
  '--noAssert',
  '--runtime=stub',
  '--importMemory',
  '--noExportMemory',
  '--enable=simd',
  '--disable=bulk-memory',
  `--maximumMemory=${PAGES_MAX}`,
  '--use=abort=',
];

function modified(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

function upToDate() {
  const newest = Math.max(...readdirSync(here).map((name) => modified(join(here, name))));
  return modified(output) > newest;
}

/**
 * Reads a source file, and replaces the comment `// @inline` by AssemblyScript's decorator for inlined functions. The
 * files contain the comment because the decorator is not valid TypeScript there, and formatters and editors refuse it.
 */
function readSource(name, base) {
  const path = join(base, name);
  if (!statSync(path, { throwIfNoEntry: false })) return null;
  return readFileSync(path, 'utf8').replaceAll(/^\/\/ @inline$/gm, '@inline');
}

async function build() {
  let binary;
  const { error, stderr } = await asc.main(['kernels.ts', `--baseDir=${here}`, '--outFile=kernels.wasm', ...options], {
    readFile: readSource,
    writeFile: (_name, contents) => {
      binary = contents;
    },
  });
  if (error) {
    console.error(`cannot build the kernels: ${error.message}\n${stderr.toString()}`);
    process.exit(1);
  }
  mkdirSync(dirname(output), { recursive: true });
  writeFileSync(output, binary);
}

if (!upToDate()) await build();
