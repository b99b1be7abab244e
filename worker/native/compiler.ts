/** Finds this machine's C compiler, and runs it. A compiler that hangs is killed. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, constants, realpath, stat } from 'node:fs/promises';
import { delimiter, resolve } from 'node:path';
import type { Environment } from '../../shared/cache-directory.js';
import { limits } from '../../shared/limits.js';

export interface Compiler {
  /** The program, and the arguments that come before all others. */
  readonly command: readonly string[];
  /** What it says of itself. */
  readonly version: string;
}

/** Keeps what compilers said of themselves, by a key that changes with the compiler's file. */
export interface VersionMemory {
  recallVersion(key: string): Promise<string | null>;
  noteVersion(key: string, version: string): Promise<void>;
}

export interface Ran {
  readonly ok: boolean;
  /** What it printed, or why it could not run. */
  readonly output: string;
}

/** Characters of a program's output that are kept. */
const OUTPUT_MAX = 4_000;

/**
 * Looks at the variable CC; if it is not set, for the usual names. Returns the reason if there is no compiler. Without a
 * `memory`, the compiler is started to ask for its version, which takes 15 ms.
 */
export async function findCompiler(
  environment: Environment,
  platform: string = process.platform,
  memory: VersionMemory | null = null,
): Promise<Compiler | { readonly fault: string }> {
  const given = environment.CC?.trim();
  const commands = given ? [given.split(/\s+/)] : [['cc'], ['clang'], ['gcc']];
  // Without Apple's tools, `cc` is a program that opens a window and offers to install them.
  const means = { environment, msMax: limits.compilerVersionMsMax };
  if (!given && platform === 'darwin' && !(await run(['xcode-select', '-p'], means)).ok) {
    return { fault: 'there is no C compiler: `xcode-select --install` installs one' };
  }
  let last = '';
  for (const command of commands) {
    const key = memory && (await fileKeyOf(command, environment));
    const known = key && (await memory.recallVersion(key));
    if (known) return { command, version: known };
    const { ok, output } = await run([...command, '--version'], means);
    if (ok && key) await memory.noteVersion(key, output);
    if (ok) return { command, version: output };
    last = output;
  }
  if (given) return { fault: `the C compiler of the variable CC, ${given}, does not work: ${firstWords(last)}` };
  return { fault: 'there is no C compiler: looked for cc, clang and gcc' };
}

/** A hash of the command, and of its program's place, length and time of change. Null if there is no such program. */
async function fileKeyOf(command: readonly string[], { PATH = '' }: Environment): Promise<string | null> {
  const [program] = command;
  const folders = program.includes('/') ? ['.'] : PATH.split(delimiter);
  for (const folder of folders) {
    const path = resolve(folder, program);
    const made = await stat(path).catch(() => null);
    const isProgram =
      made?.isFile() &&
      (await access(path, constants.X_OK)
        .then(() => true)
        .catch(() => false));
    if (!made || !isProgram) continue;
    const known = [command, await realpath(path), made.size, made.mtimeMs];
    return createHash('sha256').update(JSON.stringify(known)).digest('hex');
  }
  return null;
}

/** The beginning of a program's output, for one sentence. */
export function firstWords(output: string): string {
  return output.split('\n').slice(0, 2).join('; ');
}

export interface ProgramMeans {
  readonly environment: Environment;
  readonly msMax: number;
  /** Default: that of this process. */
  readonly directory?: string;
}

/** Runs a program. Kills it, and the programs that it has started, when it takes longer than `msMax`. */
export function run([program, ...words]: readonly string[], means: ProgramMeans): Promise<Ran> {
  const { environment, msMax, directory } = means;
  return new Promise((resolve) => {
    // Messages in one language: what a compiler says of its version is part of a key.
    const env = { ...environment, LC_ALL: 'C' };
    // The leader of a group of its own, which can be killed as one.
    const child = spawn(program, words, { cwd: directory, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const keep = (text: Buffer) => {
      output = (output + text).slice(0, OUTPUT_MAX);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    const timer = setTimeout(() => {
      killGroup(child);
      resolve({ ok: false, output: `it did not end within ${msMax / 1000} s` });
    }, msMax);
    const ended = (ran: Ran) => {
      clearTimeout(timer);
      resolve(ran);
    };
    child.on('error', (error) => ended({ ok: false, output: error.message }));
    child.on('close', (code, signal) => {
      ended({ ok: code === 0, output: output.trim() || `it ended with ${signal ?? `exit code ${code}`}` });
    });
  });
}

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has just ended.
  }
}
