/** Disassembles WebAssembly with the compiler that made it, and finds what the kernels may not have. */
import { commands, type Tree } from '@yowasp/clang';

/**
 * Relaxed SIMD may round less often, and differs between processors. The disassembler knows no name for some of its
 * instructions. A global variable is the pointer of a stack in the memory, which all threads would share.
 */
const forbiddenInstruction = /relaxed|<unknown>|^global\.[gs]et/;

/** Sections with what a module keeps or does by itself. */
const forbiddenSections: readonly string[] = ['START', 'DATA', 'DATACOUNT'];

export interface Disassembled {
  readonly instructions: readonly string[];
  /** Forbidden sections, and forbidden instructions with the functions that have them. */
  readonly faults: readonly string[];
}

export async function disassemble(binary: Uint8Array): Promise<Disassembled> {
  const { said } = await run('objdump', ['-h', '-d', '--no-show-raw-insn', 'a.wasm'], { 'a.wasm': binary });
  const faults = new Set<string>();
  const instructions: string[] = [];
  let place = '';
  for (const line of said.split('\n')) {
    place = /^[0-9a-f]+ <(.+)>:$/.exec(line)?.[1] ?? place;
    const section = /^ +\d+ (\S+) +[0-9a-f]{8}/.exec(line)?.[1];
    if (section !== undefined && forbiddenSections.includes(section)) faults.add(`section ${section}`);
    const instruction = /^ *[0-9a-f]+: *\t(\S+)/.exec(line)?.[1];
    if (instruction === undefined) continue;
    instructions.push(instruction);
    if (forbiddenInstruction.test(instruction)) faults.add(`${instruction} in ${place}`);
  }
  return { instructions, faults: [...faults] };
}

/** Compiles C, with all allowed that the kernels may not have. */
export async function compileCarelessly(source: string): Promise<Uint8Array> {
  const features = ['-msimd128', '-mrelaxed-simd', '-matomics', '-mbulk-memory', '-ffp-contract=fast'];
  const compile = ['--target=wasm32', '-O1', ...features, '-c', 'a.c', '-o', 'a.o'];
  const object = await run('clang', compile, { 'a.c': source });
  const memory = ['--import-memory', '--shared-memory', '--max-memory=4294967296'];
  const link = ['--no-entry', '--export-all', ...memory, 'a.o', '-o', 'a.wasm'];
  return (await run('wasm-ld', link, object.files)).files['a.wasm'] as Uint8Array;
}

/** Runs a program of the compiler. Resolves with what it printed, and with the files that it leaves. */
async function run(
  program: keyof typeof commands,
  words: string[],
  given: Tree,
): Promise<{ said: string; files: Tree }> {
  const said: Uint8Array[] = [];
  const print = (bytes: Uint8Array | null) => void (bytes && said.push(bytes.slice()));
  const options = { stdout: print, stderr: print, fetchProgress: () => {} };
  const files = await commands[program](words, given, options);
  return { said: Buffer.concat(said).toString(), files: files ?? {} };
}
