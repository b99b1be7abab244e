/**
 * Compiles the kernels to dist/shared/arithmetic/webassembly/kernels.wasm, unless that is newer than every source. Silent when all is
 * well; a failure prints the compiler's message and exits with 1.
 */
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '../../../..');
const output = join(root, 'dist/shared/arithmetic/webassembly/kernels.wasm');

/** Pages of the largest 32-bit memory: a memory may have any maximum up to the one that the binary declares. */
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
 * AssemblyScript marks a function to inline with a decorator, which is no TypeScript; the sources say the same in a
 * comment, so that formatters and editors can read them.
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
