/**
 * The machine code of the native kernels, in every width: each multiplication and each addition rounds by itself, nothing
 * changes how the processor rounds, and no library computes. Compilers are not trusted with their options.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { compileAddon, planBuild } from '../../../worker/native/build.js';
import type { Recipe } from '../../../worker/native/recipe.js';
import { faultsOf, type Toolchain, toolchainFor } from './disassembly.js';

const root = mkdtempSync(join(tmpdir(), 'lockstep-disassembly-'));
afterAll(() => rmSync(root, { recursive: true }));

/** The faults of each object, and of the addon, because linkers add code of their own. */
async function faultsOfBuild(toolchain: Toolchain): Promise<Record<string, string[]>> {
  const directory = mkdtempSync(join(root, 'build-'));
  const plan = await planBuild(toolchain.recipe, toolchain.compiler);
  const addon = await compileAddon(plan, directory, process.env);
  const files = [...plan.recipe.objects.map(({ object }) => join(directory, object)), addon];
  return Object.fromEntries(files.map((file) => [basename(file), faultsOf(toolchain, file)]));
}

/** Functions that do what the kernels may not do. They are put in front of the kernels. */
const misdeeds = `
  float library(float x) { return __builtin_tanhf(x); }
  void mode(unsigned x) {
  #if defined(__x86_64__)
    __asm__ volatile("ldmxcsr %0" : : "m"(x));
  #else
    __asm__ volatile("msr fpcr, %0" : : "r"((unsigned long)x));
  #endif
  }`;

/** The narrowest kernels and the misdeeds, without the option that forbids fused operations. */
function spoilt({ objects: [kernels], link }: Recipe, fusing: readonly string[]): Recipe {
  const include = join(root, 'misdeeds.h');
  writeFileSync(include, misdeeds);
  const flags = kernels.flags.filter((flag) => flag !== '-ffp-contract=off');
  return { objects: [{ ...kernels, flags: [...flags, ...fusing, '-include', include] }], link };
}

describe.each([
  { architecture: 'x64', fusing: ['-mfma'], fused: /^vfn?madd\w+ in /, mode: 'ldmxcsr in mode' },
  { architecture: 'arm64', fusing: [], fused: /^fml[as] in /, mode: 'msr in mode' },
])('the machine code for $architecture', ({ architecture, fusing, fused, mode }) => {
  test('computes as it is told, in every width', async ({ skip }) => {
    const toolchain = await toolchainFor(architecture);
    if ('fault' in toolchain) return skip(toolchain.fault);
    const faults = await faultsOfBuild(toolchain);
    expect(Object.keys(faults)).toHaveLength(toolchain.recipe.objects.length + 1);
    for (const [file, found] of Object.entries(faults)) expect(found, file).toEqual([]);
  });

  test('is found to be wrong where it is', async ({ skip }) => {
    const toolchain = await toolchainFor(architecture);
    if ('fault' in toolchain) return skip(toolchain.fault);
    const recipe = spoilt(toolchain.recipe, fusing);
    const { [recipe.objects[0].object]: faults } = await faultsOfBuild({ ...toolchain, recipe });
    expect(faults).toContainEqual(expect.stringMatching(fused));
    expect(faults).toContain(mode);
    expect(faults).toContain('uses tanhf');
  });
});
