/** How the native kernels are compiled: which files, with which options, for which platform and processor. */

export interface CompiledObject {
  readonly source: string;
  readonly object: string;
  readonly flags: readonly string[];
}

export interface Recipe {
  readonly objects: readonly CompiledObject[];
  /** The options that make one addon of the objects. */
  readonly link: readonly string[];
}

/**
 * `-ffp-contract=off`: the compiler may not fuse a multiplication and an addition. No option here may allow it to
 * calculate in another way than it is told: no -ffast-math, no -march=native.
 */
const common = ['-O3', '-std=gnu11', '-ffp-contract=off', '-fno-strict-aliasing', '-fPIC', '-fvisibility=hidden'];

const avx512 = ['-mavx512f', '-mavx512vl', '-mavx512dq', '-mavx512bw', '-mprefer-vector-width=512'];

/** For each kind of processor, the options for each number of floats of a vector. */
const widths: Readonly<Record<string, Readonly<Record<number, readonly string[]>>>> = {
  x64: { 4: [], 8: ['-mavx2'], 16: avx512 },
  arm64: { 4: [] },
};

/** On a Mac, the compiler can be one for the other kind of processor. */
const macArchitectures: Readonly<Record<string, string>> = { x64: 'x86_64', arm64: 'arm64' };

/**
 * Returns the reason if there is no recipe. Windows has none: gcc does not align AVX vectors on the stack there, and
 * nobody has tried the kernels with another compiler.
 */
export function recipeFor(platform: string, architecture: string): Recipe | { readonly fault: string } {
  if (platform === 'win32') return { fault: 'they are not built on Windows' };
  if (!Object.hasOwn(widths, architecture)) return { fault: `they are not built for ${architecture} processors` };
  const isMac = platform === 'darwin';
  const target = isMac ? ['-arch', macArchitectures[architecture]] : [];
  const kernels = Object.entries(widths[architecture]).map(([lanes, flags]) => ({
    source: 'kernels.c',
    object: `kernels-${lanes}.o`,
    flags: [...common, ...target, `-DLANES=${lanes}`, ...flags],
  }));
  return {
    objects: [...kernels, { source: 'addon.c', object: 'addon.o', flags: [...common, ...target] }],
    link: isMac ? ['-bundle', '-undefined', 'dynamic_lookup', ...target] : ['-shared'],
  };
}
