/**
 * Compiles the kernels in ../c to dist/shared/arithmetic/webassembly/kernels.wasm, unless that file is newer than every
 * source. The compiler is clang as WebAssembly, from npm, so that nothing else has to be installed. On success this
 * prints nothing. On a failure it prints the compiler's message and exits with code 1.
 */
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const sources = join(here, '../c');
const output = join(here, '../../../dist/shared/arithmetic/webassembly/kernels.wasm');

/**
 * `-ffp-contract=off`: the compiler may not fuse a multiplication and an addition. Loops are unrolled and vectorized only
 * where the source says so: most loops are short, and engines unroll them by themselves.
 */
const compile = [
  ...['--target=wasm32', '-std=gnu11', '-O3', '-msimd128', '-mbulk-memory', '-ffreestanding', '-fno-strict-aliasing'],
  ...[
    '-ffp-contract=off',
    '-fno-delete-null-pointer-checks',
    '-Wall',
    '-Wextra',
    '-Werror',
    '-DLANES=4',
    '-mllvm',
    '-disable-lsr',
    '-fno-unroll-loops',
    '-fno-vectorize',
  ],
];

/**
 * The memory comes from outside, and may be of any size. `--max-memory` is that of the largest 32-bit memory.
 */
const link = ['--no-entry', '--import-memory', '--max-memory=4294967296', '--strip-all'];

function modified(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

function upToDate() {
  const files = [fileURLToPath(import.meta.url), ...readdirSync(sources).map((name) => join(sources, name))];
  return modified(output) > Math.max(...files.map(modified));
}

function headersAndSource() {
  const names = readdirSync(sources).filter((name) => name.endsWith('.h') || name === 'kernels.c');
  return Object.fromEntries(names.map((name) => [name, readFileSync(join(sources, name))]));
}

async function build() {
  const { runClang, runLLVM } = await import('@yowasp/clang');
  const messages = [];
  const print = (bytes) => bytes !== null && messages.push(Buffer.from(bytes));
  const options = { stdout: print, stderr: print };
  try {
    // Without arguments, this only loads the compiler. It would otherwise report its progress.
    await runLLVM(null, {}, { fetchProgress: () => {} });
    const object = await runClang(
      ['clang', ...compile, '-c', 'kernels.c', '-o', 'kernels.o'],
      headersAndSource(),
      options,
    );
    // Code that used a stack would have it in the memory, where all threads would write to the same place.
    if (Buffer.from(object['kernels.o']).includes('__stack_pointer')) throw new Error('the kernels need a stack');
    const linked = await runLLVM(['wasm-ld', ...link, 'kernels.o', '-o', 'kernels.wasm'], object, options);
    return linked['kernels.wasm'];
  } catch (error) {
    console.error(`cannot build the kernels: ${error.message}\n${Buffer.concat(messages)}`);
    process.exit(1);
  }
}

if (!upToDate()) {
  const binary = await build();
  mkdirSync(dirname(output), { recursive: true });
  writeFileSync(output, binary);
}
