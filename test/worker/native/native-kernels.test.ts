/** Tests when the native kernels are built, and what happens when they cannot be built or loaded. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { NativeCode } from '../../../shared/arithmetic/native/backend.js';
import { type NativeKernelsOptions, nativeKernels } from '../../../worker/native/native-kernels.js';
import { native } from '../../shared/arithmetic/backends.js';
import { FakeCompiler } from './fake-compiler.js';

let scratch: string;
let cache: string;
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'lockstep-native-'));
  cache = join(scratch, 'cache');
});
afterEach(() => rmSync(scratch, { recursive: true, force: true }));

/** The addon that was built before the tests. */
const addon = native === null ? '' : (native.handOver.code as NativeCode).file;

/** Kernels wished for with a compiler and a cache of their own. `said` has what was reported. */
async function wished(compiler: FakeCompiler | string, kernels: NativeKernelsOptions['kernels'] = 'auto') {
  const said: string[] = [];
  const backend = await nativeKernels({
    kernels,
    environment: environmentOf(compiler),
    onBuilding: () => said.push('building'),
    onMissing: (why) => said.push(why),
  });
  return { backend, said };
}

function environmentOf(compiler: FakeCompiler | string) {
  const CC = typeof compiler === 'string' ? compiler : compiler.path;
  return { PATH: process.env.PATH, LOCKSTEP_CACHE: cache, CC };
}

const copies = () => new FakeCompiler(scratch, `cp '${addon}' kernels.node`);

/** The addons in the cache, what compilers said of themselves, and everything else there. */
function cached() {
  const names = readdirSync(join(cache, 'kernels'));
  const ending = (end: string) => names.filter((name) => name.endsWith(end));
  const others = names.filter((name) => !/\.(node|version)$/.test(name));
  return { addons: ending('.node'), versions: ending('.version'), others };
}

describe.skipIf(native === null)('native kernels (need a C compiler)', () => {
  test('are built once, said once, and found afterwards', async () => {
    const compiler = copies();
    const first = await wished(compiler);
    expect(first.backend?.name).toBe('native');
    expect(first.said).toEqual(['building']);
    expect(cached()).toMatchObject({
      addons: [expect.stringMatching(/^[0-9a-f]{32}-[0-9a-f]{64}\.node$/)],
      others: [],
    });
    expect((await wished(compiler)).said).toEqual([]);
    expect(compiler.linked).toBe(1);
  });

  test('are built by one of many that start at once; the others wait for it', async () => {
    const compiler = copies();
    const all = await Promise.all(Array.from({ length: 10 }, () => wished(compiler)));
    expect(all.map(({ backend }) => backend?.name)).toEqual(Array(10).fill('native'));
    expect(compiler.linked).toBe(1);
    expect(cached()).toMatchObject({ addons: { length: 1 }, others: [] });
  });

  test('are built by one of several processes', async () => {
    const compiler = copies();
    const program = `
      const { nativeKernels } = await import(process.argv[1]);
      console.log((await nativeKernels({ kernels: 'native' })).name);
    `;
    const module = new URL('../../../worker/native/native-kernels.js', import.meta.url).href;
    const run = () =>
      new Promise((resolve) => {
        const words = ['--input-type=module', '--eval', program, module];
        const child = spawn(process.execPath, words, { env: environmentOf(compiler) });
        let printed = '';
        child.stdout.on('data', (text) => (printed += text));
        child.on('close', () => resolve(printed));
      });
    expect(await Promise.all([run(), run(), run()])).toEqual(['native\n', 'native\n', 'native\n']);
    expect(compiler.linked).toBe(1);
  });

  test('are built again by another compiler', async () => {
    await wished(copies());
    const other = new FakeCompiler(mkdtempSync(join(scratch, 'other-')), `cp '${addon}' kernels.node`);
    expect((await wished(other)).said).toEqual(['building']);
  });

  test('are found without asking the compiler again, until a day has passed', async () => {
    const compiler = copies();
    await wished(compiler);
    await wished(compiler);
    expect(compiler.asked).toBe(1);
    const seconds = (Date.now() - 25 * 60 * 60 * 1000) / 1000;
    utimesSync(join(cache, 'kernels', cached().versions[0]), seconds, seconds);
    expect((await wished(compiler)).said).toEqual([]);
    expect(compiler.asked).toBe(2);
    await wished(compiler);
    expect(compiler.asked).toBe(2);
  });

  test('are built again when the file of the compiler has changed', async () => {
    const compiler = copies();
    await wished(compiler);
    writeFileSync(compiler.path, readFileSync(compiler.path, 'utf8').replace('fake 1.0', 'fake 1.0.1'));
    expect((await wished(compiler)).said).toEqual(['building']);
    expect(compiler.linked).toBe(2);
  });

  test('are built again if the file in the cache ends too early', async () => {
    const compiler = copies();
    await wished(compiler);
    // This process has loaded the file, so the file itself must stay whole: another one takes its place.
    const path = join(cache, 'kernels', cached().addons[0]);
    writeFileSync(join(scratch, 'damaged'), readFileSync(path).subarray(0, 8192));
    renameSync(join(scratch, 'damaged'), path);
    expect(await wished(compiler)).toMatchObject({ backend: { name: 'native' }, said: ['building'] });
    expect(cached().addons).toHaveLength(1);
  });

  test('are built again if the file in the cache is whole but does not load', async () => {
    const compiler = copies();
    await wished(compiler);
    const [name] = cached().addons;
    const text = 'an addon for another machine';
    const sha256 = createHash('sha256').update(text).digest('hex');
    rmSync(join(cache, 'kernels', name));
    writeFileSync(join(cache, 'kernels', `${name.split('-')[0]}-${sha256}.node`), text);
    expect(await wished(compiler)).toMatchObject({ backend: { name: 'native' }, said: ['building'] });
    expect(cached().addons).toEqual([name]);
  });
});

describe('WebAssembly is used, and why is said,', () => {
  test('where it is wished for: then no compiler is looked for', async () => {
    const compiler = copies();
    expect(await wished(compiler, 'wasm')).toEqual({ backend: null, said: [] });
    expect(compiler.compiled + compiler.linked).toBe(0);
  });

  test('without a compiler', async () => {
    const said: string[] = [];
    const environment = { PATH: scratch, LOCKSTEP_CACHE: cache };
    expect(await nativeKernels({ environment, onMissing: (why) => said.push(why) })).toBe(null);
    expect(said).toEqual(['there is no C compiler: looked for cc, clang and gcc']);
  });

  test('with a CC that is no compiler', async () => {
    const { backend, said } = await wished('/bin/false');
    expect(backend).toBe(null);
    expect(said).toEqual([expect.stringContaining('the C compiler of the variable CC, /bin/false, does not work')]);
  });

  test('when the build fails; it is not tried again until somebody insists', async () => {
    const compiler = new FakeCompiler(scratch, ':', 'echo no vectors here; exit 1');
    const why = expect.stringMatching(/fake-cc failed: no vectors here$/);
    expect(await wished(compiler)).toEqual({ backend: null, said: ['building', why] });
    const { compiled } = compiler;
    expect(await wished(compiler)).toEqual({ backend: null, said: [why] });
    expect(compiler.compiled).toBe(compiled);
    await expect(wished(compiler, 'native')).rejects.toThrow(
      /there are no native kernels: .* no vectors here; install/,
    );
    expect(compiler.compiled).toBe(2 * compiled);
    expect(cached().others).toEqual([expect.stringMatching(/^[0-9a-f]{32}\.failed$/)]);
  });

  test('when what was built does not load', async () => {
    const { backend, said } = await wished(new FakeCompiler(scratch, 'echo nonsense > kernels.node'));
    expect(backend).toBe(null);
    expect(said).toEqual(['building', expect.stringContaining('what was built does not load')]);
  });

  test('when the cache cannot be written', async () => {
    writeFileSync(cache, 'a file');
    const { backend, said } = await wished(copies());
    expect(backend).toBe(null);
    expect(said).toEqual([expect.stringMatching(/ENOTDIR|EEXIST/)]);
  });

  test('when others can write to the cache', async () => {
    mkdirSync(join(cache, 'kernels'), { recursive: true });
    chmodSync(join(cache, 'kernels'), 0o777);
    const compiler = copies();
    expect((await wished(compiler)).said).toEqual([expect.stringContaining('others have access to the directory')]);
    chmodSync(join(cache, 'kernels'), 0o700);
    chmodSync(cache, 0o777);
    expect((await wished(compiler)).said).toEqual([`everybody can write to the directory ${cache}`]);
    expect(compiler.compiled).toBe(0);
  });

  test.skipIf(process.getuid?.() !== 0)('when the cache belongs to another user (the test needs root)', async () => {
    mkdirSync(join(cache, 'kernels'), { recursive: true, mode: 0o700 });
    chownSync(join(cache, 'kernels'), 4711, 4711);
    expect((await wished(copies())).said).toEqual([expect.stringContaining('belongs to another user')]);
  });
});

test('a wish that cannot be met, and one that does not exist, are errors with a code', async () => {
  await expect(wished('/bin/false', 'native')).rejects.toMatchObject({ code: 'kernels-unavailable' });
  const named = (LOCKSTEP_KERNELS: string) => nativeKernels({ environment: { LOCKSTEP_KERNELS, CC: '/bin/false' } });
  await expect(named('native')).rejects.toMatchObject({ code: 'kernels-unavailable' });
  await expect(named('fast')).rejects.toMatchObject({ code: 'usage' });
  expect(await named('wasm')).toBe(null);
  expect(await named('')).toBe(null);
});
