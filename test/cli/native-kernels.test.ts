/** Chooses the kernels at the command line. Whatever is chosen, the weights are the same. */
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { native } from '../shared/arithmetic/backends.js';
import { lockstep, lockstepWith, scratch, smallDataset, startCoordinator, summaryOf } from './fixture.js';

const safety = { timeout: 120_000 };

let data: string;
beforeAll(() => {
  data = smallDataset();
});

let runs = 0;

/** Trains for a few steps. Returns the first line of the log, the hash, and the whole log. */
async function trained(variables: Record<string, string>, ...words: string[]) {
  const out = join(scratch(), `run-${runs++}`);
  const run = ['train', '--data', data, '--preset', 'sigmoid-16', '--max-steps', '40', '--out', out];
  const { code, stdout, stderr } = await lockstepWith(variables, ...run, '--log-format', 'pretty', ...words).ended;
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return { first: stdout.split('\n')[0], stdout, hash: summaryOf(out).weightsSha256 };
}

const isWebAssembly = / INFO: \d+ threads?, kernels webassembly [0-9a-f]{12}$/;
const isNative = / INFO: \d+ threads?, kernels native (128|avx2|avx512|neon) [0-9a-f]{12}$/;

test(
  'without a compiler, train says that it computes with WebAssembly, and at the debug level why',
  safety,
  async () => {
    const quiet = await trained({ CC: '/bin/false' });
    expect(quiet.first).toMatch(isWebAssembly);
    expect(quiet.first.length).toBeLessThanOrEqual(80);
    expect(quiet.stdout).not.toContain('/bin/false');
    const debug = await trained({ CC: '/bin/false' }, '--log-level', 'debug');
    expect(debug.stdout).toContain(
      'no native kernels, so it computes with WebAssembly: the C compiler of the variable CC',
    );
  },
);

test('native kernels that cannot be had are an error that says why', safety, async () => {
  const { code, stderr } = await lockstepWith({ CC: '/bin/false' }, 'train', '--data', data, '--kernels', 'native')
    .ended;
  expect(code).toBe(1);
  expect(stderr).toMatch(
    /^lockstep: there are no native kernels: .*\/bin\/false.*; install a C compiler, or leave out/,
  );
});

test.each(['train', 'coordinator', 'worker ws://127.0.0.1:1'])(
  '%s refuses kernels that do not exist',
  safety,
  async (words) => {
    const option = await lockstep(...words.split(' '), '--kernels', 'fast').ended;
    expect(option).toMatchObject({ code: 2, stderr: expect.stringContaining('Argument: kernels, Given: "fast"') });
    const variable = await lockstepWith({ LOCKSTEP_KERNELS: 'fast' }, ...words.split(' ')).ended;
    expect(variable).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('LOCKSTEP_KERNELS is fast, but must be'),
    });
  },
);

describe.skipIf(native === null)('with a C compiler', () => {
  test('the option wins over the variable, and all train the same weights', safety, async () => {
    const all = {
      nothing: await trained({}),
      option: await trained({ LOCKSTEP_KERNELS: 'wasm' }, '--kernels', 'native'),
      variable: await trained({ LOCKSTEP_KERNELS: 'wasm' }),
      other: await trained({ LOCKSTEP_KERNELS: 'native' }, '--kernels', 'wasm'),
    };
    expect(all.nothing.first).toMatch(isNative);
    expect(all.option.first).toMatch(isNative);
    expect(all.variable.first).toMatch(isWebAssembly);
    expect(all.other.first).toMatch(isWebAssembly);
    expect(new Set(Object.values(all).map(({ hash }) => hash)).size).toBe(1);
  });

  test(
    'a worker with native kernels and one with WebAssembly train one run, on the weights of one machine',
    safety,
    async () => {
      const out = join(scratch(), 'mixed');
      const run = ['--data', data, '--preset', 'sigmoid-16', '--max-steps', 40, '--out', out, '--log-format', 'json'];
      const { coordinator, url } = await startCoordinator(...run, '--min-workers', 2, '--kernels', 'native');
      const workers = ['native', 'wasm'].map((kernels) =>
        lockstep('worker', url, '--threads', 1, '--name', kernels, '--kernels', kernels),
      );
      for (const { ended } of workers) expect(await ended).toMatchObject({ code: 0 });
      const { code, stdout } = await coordinator.ended;
      expect(code).toBe(0);
      expect(stdout).toMatch(/"worker":"native".*"kernels":"native /);
      expect(stdout).toMatch(/"worker":"wasm".*"kernels":"webassembly /);
      expect(summaryOf(out).weightsSha256).toBe((await trained({})).hash);
    },
  );
});
