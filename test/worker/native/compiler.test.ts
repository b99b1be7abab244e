import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { findCompiler, run } from '../../../worker/native/compiler.js';
import { recipeFor } from '../../../worker/native/recipe.js';

const directory = mkdtempSync(join(tmpdir(), 'lockstep-compiler-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const environment = process.env;

test('a program that hangs is killed, with those that it has started', async () => {
  const script = 'sleep 1000 & echo $! > child; wait';
  const ran = await run(['sh', '-c', script], { environment, msMax: 1_000, directory });
  expect(ran).toEqual({ ok: false, output: 'it did not end within 1 s' });
  const child = Number(readFileSync(join(directory, 'child'), 'utf8'));
  await expect.poll(() => isRunning(child), { timeout: 60_000 }).toBe(false);
});

/** A process that has ended may still have an entry until its parent has asked for its exit code. */
function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

test('a program that fails, dies or is not there is reported with its own words', async () => {
  const of = (...words: string[]) => run(words, { environment, msMax: 60_000 });
  expect(await of('sh', '-c', 'echo fine')).toEqual({ ok: true, output: 'fine' });
  expect(await of('sh', '-c', 'echo wrong >&2; exit 3')).toEqual({ ok: false, output: 'wrong' });
  expect(await of('sh', '-c', 'exit 3')).toEqual({ ok: false, output: 'it ended with exit code 3' });
  expect(await of('sh', '-c', 'kill -9 $$')).toEqual({ ok: false, output: 'it ended with SIGKILL' });
  expect(await of(join(directory, 'nothing'))).toMatchObject({ ok: false, output: expect.stringContaining('ENOENT') });
});

test('CC counts more than the usual names, and may have arguments', async () => {
  const program = join(directory, 'my-cc');
  writeFileSync(program, '#!/bin/sh\necho "$@"\n');
  chmodSync(program, 0o755);
  const CC = ` ${program}  -m64 `;
  expect(await findCompiler({ ...environment, CC })).toEqual({ command: [program, '-m64'], version: '-m64 --version' });
});

test.each([
  ['linux', 'x64', 3],
  ['linux', 'arm64', 1],
  ['darwin', 'x64', 3],
  ['darwin', 'arm64', 1],
])(
  'on %s %s, the kernels of %i widths are compiled, and never with fused or fast arithmetic',
  (system, cpu, widths) => {
    const recipe = recipeFor(system, cpu);
    if ('fault' in recipe) throw new Error(recipe.fault);
    const kernels = recipe.objects.filter(({ source }) => source === 'kernels.c');
    expect(kernels).toHaveLength(widths);
    for (const { flags } of recipe.objects) {
      expect(flags).toContain('-ffp-contract=off');
      expect(flags.filter((flag) => /fast-math|^-Ofast|^-march|^-mfma/.test(flag))).toEqual([]);
    }
    expect(recipe.link).toContain(system === 'darwin' ? '-bundle' : '-shared');
  },
);

test('where nobody has tried it, nothing is compiled', () => {
  expect(recipeFor('win32', 'x64')).toEqual({ fault: 'they are not built on Windows' });
  expect(recipeFor('linux', 'riscv64')).toEqual({ fault: 'they are not built for riscv64 processors' });
  expect(recipeFor('linux', 'toString')).toHaveProperty('fault');
});
