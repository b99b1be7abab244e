/** Runs the kernels' known-answer test in the shells of engines. These shells have no modules of Node. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { kernelBinary } from '../shared/arithmetic/backends.js';
import type { Engine } from './engine.js';

/** Bundles the test into one script in `directory`. Returns the path of the script. */
export async function bundleKnownAnswer(directory: string): Promise<string> {
  const outfile = join(directory, 'known-answer.js');
  await build({
    entryPoints: [fileURLToPath(new URL('./known-answer-script.js', import.meta.url))],
    bundle: true,
    format: 'iife',
    outfile,
    define: { KERNELS: JSON.stringify([...kernelBinary]) },
    banner: { js: 'globalThis.print ??= console.log;' },
  });
  return outfile;
}

/** Runs the script in an engine. Returns the hash of the results. */
export async function knownAnswerIn({ name, command: [program, ...words] }: Engine, script: string): Promise<string> {
  const { stdout, stderr } = await promisify(execFile)(program, [...words, script]);
  const said = stdout.trim();
  if (!/^[0-9a-f]{64}$/.test(said)) throw new Error(`${name} does not compute the same each time: ${said}${stderr}`);
  return said;
}
