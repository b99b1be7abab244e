/**
 * The native kernels of this machine: found in the cache, or compiled into it once.
 *
 * A machine without them computes with WebAssembly: slower, and with the same bits. So unless the user asked for native
 * kernels, nothing here is an error.
 */
import { rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { KernelBackend } from '../../shared/arithmetic/backend.js';
import { type NativeAddon, openNative } from '../../shared/arithmetic/native/backend.js';
import { cacheDirectory, type Environment } from '../../shared/cache-directory.js';
import { LockstepError } from '../../shared/errors.js';
import { loadAddon } from './addon.js';
import { build, type Plan, planBuild } from './build.js';
import { KernelCache } from './cache.js';
import { claim } from './claim.js';
import { findCompiler } from './compiler.js';
import { fastest } from './fastest-width.js';
import { recipeFor } from './recipe.js';
import { type KernelsWish, wishOf } from './wish.js';

export interface NativeKernelsOptions {
  /** Default: what the variable LOCKSTEP_KERNELS says, or `auto`. */
  readonly kernels?: KernelsWish | undefined;
  /** The variables LOCKSTEP_KERNELS, CC, and those that name the cache. Default: the process's environment. */
  readonly environment?: Environment;
  /** Called before the kernels are compiled, which takes some seconds. */
  readonly onBuilding?: () => void;
  /** Called with the reason if there are no native kernels, though they are wished for. */
  readonly onMissing?: (why: string) => void;
}

/** Returns null if WebAssembly is to be used. Rejects with `kernels-unavailable` if the wish is `native`. */
export async function nativeKernels(options: NativeKernelsOptions = {}): Promise<KernelBackend | null> {
  const { environment = process.env, onMissing = () => {} } = options;
  const wish = options.kernels ?? wishOf(environment);
  if (wish === 'wasm') return null;
  const found = await findOrBuild(environment, wish === 'native', options.onBuilding).catch(reasonOf);
  if ('sizes' in found) return found;
  if (wish === 'auto') {
    onMissing(found.fault);
    return null;
  }
  const remedy = 'install a C compiler, or leave out --kernels native to compute with WebAssembly';
  throw new LockstepError('kernels-unavailable', `there are no native kernels: ${found.fault}; ${remedy}`);
}

const reasonOf = (error: unknown) => ({ fault: error instanceof Error ? error.message : String(error) });

type Found = KernelBackend | { readonly fault: string };

/** `insists`: builds again what failed a short time ago. */
async function findOrBuild(environment: Environment, insists: boolean, onBuilding = () => {}): Promise<Found> {
  const recipe = recipeFor(process.platform, process.arch);
  if ('fault' in recipe) return recipe;
  const cache = await KernelCache.open(join(cacheDirectory(environment, process.platform, homedir()), 'kernels'));
  const compiler = await findCompiler(environment, process.platform, cache);
  if ('fault' in compiler) return compiler;
  const plan = await planBuild(recipe, compiler);
  const known = async () => (await openCached(plan, cache)) ?? (insists ? null : cache.failure(plan.key));
  const before = await known();
  if (before !== null) return before;
  onBuilding();
  // When ten processes start at once, the first one builds and the others wait.
  const release = await claim(cache.claimOf(plan.key));
  try {
    return (await known()) ?? (await buildAndOpen(plan, cache, environment));
  } finally {
    await release();
  }
}

/** Returns null if there is no addon. One that does not load is removed: what it was linked with may have changed. */
async function openCached(plan: Plan, cache: KernelCache): Promise<Found | null> {
  const file = await cache.find(plan.key);
  if (file === null) return null;
  const addon = loaded(file);
  if ('open' in addon) return backendOf(addon, file, plan);
  await rm(file, { force: true });
  return null;
}

async function buildAndOpen(plan: Plan, cache: KernelCache, environment: Environment): Promise<Found> {
  try {
    const file = await build(plan, cache, environment);
    const addon = loaded(file);
    if ('open' in addon) return backendOf(addon, file, plan);
    throw new Error(`what was built does not load: ${addon.fault}`);
  } catch (error) {
    const { fault } = reasonOf(error);
    await cache.noteFailure(plan.key, fault);
    return { fault };
  }
}

function loaded(file: string): NativeAddon | { readonly fault: string } {
  try {
    return loadAddon(file);
  } catch (error) {
    return reasonOf(error);
  }
}

function backendOf(addon: NativeAddon, file: string, { digest }: Plan): KernelBackend {
  const backends = Object.keys(addon.widths()).map((width) => openNative(addon, { file, width, digest }));
  return fastest(backends, () => performance.now());
}
