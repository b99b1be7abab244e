/** Runs the kernels' known answer and cases on every backend of a Node, which may be another one than this. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Engine } from './engine.js';

const script = fileURLToPath(new URL('./kernels-check.js', import.meta.url));

export interface BackendChecked {
  /** What the backend says that it is. */
  readonly description: string;
  /** The hash of the known answer, on the main thread and on another thread. */
  readonly answers: readonly string[];
  /** How many cases of the kernels were compared with the scalar specification. */
  readonly cases: number;
  /** The names of the cases whose results differ. */
  readonly wrong: readonly string[];
}

export interface KernelsChecked {
  readonly backends: readonly BackendChecked[];
  /** Why there were no native kernels, or null if there were. */
  readonly withoutNative: string | null;
}

/** Runs every `every`-th case. Throws if the result of a case differs. */
export async function checkKernels({ name, command }: Engine, every: number): Promise<KernelsChecked> {
  const [program, ...words] = [...command, script, String(every)];
  const { stdout } = await promisify(execFile)(program, words);
  const checked = JSON.parse(stdout) as KernelsChecked;
  for (const { description, wrong, cases } of checked.backends) {
    if (wrong.length === 0) continue;
    const what = `${wrong.length} of ${cases} cases, the first of them ${wrong[0]}`;
    throw new Error(`${name}: ${description} differs from the specification in ${what}`);
  }
  return checked;
}
