/**
 * Compiles the native kernels as the program does, also for the other kind of processor, and looks through the machine
 * code for what could change a result. GNU objdump disassembles the code.
 */
import { execFileSync } from 'node:child_process';
import { type Compiler, findCompiler, run } from '../../../worker/native/compiler.js';
import { type Recipe, recipeFor } from '../../../worker/native/recipe.js';

/** What compiles and disassembles for one kind of processor. */
export interface Toolchain {
  readonly recipe: Recipe;
  readonly compiler: Compiler;
  readonly objdump: string;
  readonly forbidden: RegExp;
}

interface Processor {
  /** What the names of Debian's cross compilers begin with. */
  readonly prefix: string;
  /** Instructions that round less often, or not as IEEE 754 says, or that change how others round. */
  readonly forbidden: RegExp;
}

const processors: Readonly<Record<string, Processor>> = {
  x64: {
    prefix: 'x86_64-linux-gnu-',
    // A name that begins with `f` is of the x87 unit, whose results are longer, or restores the control register.
    // `fs` is a prefix of other instructions.
    forbidden: /^f(?!s )|\bv4?fn?m(add|sub)|\bv?r(cp|sqrt)|\bv?ldmxcsr|\bxrstor|\{r[duz]-sae\}/,
  },
  arm64: {
    prefix: 'aarch64-linux-gnu-',
    forbidden: /^(fn?m(add|sub)|fml[as]|fcmla|frecp|frsqrt)|^msr\s+fpcr\b/,
  },
};

/**
 * Functions and data from outside that an addon may use. A compiler may make a call of `memset` of any loop that fills
 * memory; such calls move bytes and compute nothing.
 */
const allowed = /^(napi_\w+|calls_of_\d+|mem(cpy|move|set)|__stack_chk_fail|__cpu_model|_GLOBAL_OFFSET_TABLE_)$/;

/** This machine's own compiler, or a cross compiler. Returns the reason if one of the programs is missing. */
export async function toolchainFor(architecture: string): Promise<Toolchain | { readonly fault: string }> {
  const environment = process.env;
  const { prefix, forbidden } = processors[architecture];
  const isOwn = process.platform === 'linux' && process.arch === architecture;
  const compiler = await findCompiler(isOwn ? environment : { ...environment, CC: `${prefix}gcc` }, 'linux');
  if ('fault' in compiler) return compiler;
  const objdump = isOwn ? 'objdump' : `${prefix}objdump`;
  const { ok, output } = await run([objdump, '--version'], { environment, msMax: 10_000 });
  if (!ok) return { fault: `there is no ${objdump}: ${output}` };
  return { recipe: recipeFor('linux', architecture) as Recipe, compiler, objdump, forbidden };
}

/** Lists the forbidden instructions of a file and where they are, and what it uses of libraries. */
export function faultsOf({ objdump, forbidden }: Toolchain, file: string): string[] {
  const words = ['--syms', '--disassemble', '--no-show-raw-insn', file];
  const listing = execFileSync(objdump, words, { encoding: 'utf8', maxBuffer: 2 ** 28 });
  const faults = new Set<string>();
  let place = '';
  for (const line of listing.split('\n')) {
    place = /^[0-9a-f]+ <(.+)>:$/.exec(line)?.[1] ?? place;
    // Weak symbols need not be there: the linker's own code has some.
    const symbol = /^[0-9a-f]+ [^w]+\*UND\*\s+[0-9a-f]+\s+([^\s@]+)/.exec(line)?.[1];
    if (symbol !== undefined && !allowed.test(symbol)) faults.add(`uses ${symbol}`);
    const instruction = /^\s*[0-9a-f]+:\t([^<]+)/.exec(line)?.[1];
    if (instruction !== undefined && forbidden.test(instruction))
      faults.add(`${instruction.split(/\s/)[0]} in ${place}`);
  }
  return [...faults];
}
