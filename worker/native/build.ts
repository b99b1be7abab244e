/** Compiles the native kernels to an addon in the cache. */
import { createHash } from 'node:crypto';
import { readdir, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { cpus } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Environment } from '../../shared/cache-directory.js';
import { limits } from '../../shared/limits.js';
import type { KernelCache } from './cache.js';
import { type Compiler, firstWords, run } from './compiler.js';
import type { Recipe } from './recipe.js';

const sourceFolder = fileURLToPath(new URL('../../../shared/arithmetic/c/', import.meta.url));

/** Digits of hashes: in the name of a file, and in the description of the backend. */
const KEY_DIGITS = 32;
const DIGEST_DIGITS = 12;

/** What is compiled, and how. */
export interface Plan {
  readonly recipe: Recipe;
  readonly compiler: Compiler;
  /** The folder of node_api.h. */
  readonly headers: string;
  /** Names the build in the cache: it changes with everything that may change the addon. */
  readonly key: string;
  /** The first digits of a hash of the source and the recipe. */
  readonly digest: string;
}

/** Reads the source, and plans the build. */
export async function planBuild(recipe: Recipe, compiler: Compiler): Promise<Plan> {
  const names = (await readdir(sourceFolder)).filter((name) => /\.[ch]$/.test(name)).sort();
  const sources = await Promise.all(
    names.map(async (name) => [name, await readFile(join(sourceFolder, name), 'utf8')]),
  );
  const nodeApi = dirname(createRequire(import.meta.url).resolve('node-api-headers/package.json'));
  const headersVersion = JSON.parse(await readFile(join(nodeApi, 'package.json'), 'utf8')).version;
  const made = [sources, recipe];
  const processor = [process.platform, process.arch, cpus()[0]?.model, await processorFeatures()];
  return {
    recipe,
    compiler,
    headers: join(nodeApi, 'include'),
    key: hashOf([made, compiler, headersVersion, processor]).slice(0, KEY_DIGITS),
    digest: hashOf(made).slice(0, DIGEST_DIGITS),
  };
}

/** What the processor can do, in the words of Linux. Other systems name only its model. */
async function processorFeatures(): Promise<string> {
  const text = await readFile('/proc/cpuinfo', 'utf8').catch(() => '');
  return /^(flags|Features)\s*:.*$/m.exec(text)?.[0] ?? '';
}

const hashOf = (x: unknown) => createHash('sha256').update(JSON.stringify(x)).digest('hex');

/** Builds the addon and returns its path in the cache. Rejects with the compiler's first words if it fails. */
export async function build(plan: Plan, cache: KernelCache, environment: Environment): Promise<string> {
  await cache.tidy();
  const directory = await cache.makeBuildDirectory();
  try {
    return await cache.put(plan.key, await compileAddon(plan, directory, environment));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Compiles the objects in `directory`, makes the addon of them there, and returns its path. */
export async function compileAddon(plan: Plan, directory: string, environment: Environment): Promise<string> {
  const { objects, link } = plan.recipe;
  const compile = (words: readonly string[]) => runCompiler(plan.compiler, words, directory, environment);
  const compiled = await Promise.allSettled(
    objects.map(({ source, object, flags }) =>
      compile(['-c', join(sourceFolder, source), '-o', object, `-I${plan.headers}`, ...flags]),
    ),
  );
  for (const one of compiled) if (one.status === 'rejected') throw one.reason;
  await compile([...link, ...objects.map(({ object }) => object), '-o', 'kernels.node']);
  return join(directory, 'kernels.node');
}

async function runCompiler(
  { command }: Compiler,
  words: readonly string[],
  directory: string,
  environment: Environment,
) {
  // Its temporary files too are in the directory, so that they are removed with it if the compiler is killed.
  const means = { environment: { ...environment, TMPDIR: directory }, msMax: limits.compilerMsMax, directory };
  const { ok, output } = await run([...command, ...words], means);
  if (!ok) throw new Error(`the C compiler ${command.join(' ')} failed: ${firstWords(output)}`);
}
