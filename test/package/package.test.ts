/** Tests the installed package: its files, its command, and every example of LIBRARY.md as a program. */
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { native } from '../shared/arithmetic/backends.js';

const safety = { timeout: 120_000 };

const root = fileURLToPath(new URL('../../..', import.meta.url));
/** The folder of a project that has installed only this package. */
let app: string;
let packed: string[];

beforeAll(() => {
  const place = mkdtempSync(join(tmpdir(), 'lockstep-package-'));
  app = join(place, 'app');
  const installed = join(app, 'node_modules', 'lockstep');
  mkdirSync(installed, { recursive: true });
  const words = ['pack', '--json', '--ignore-scripts', '--offline', '--pack-destination', place];
  const [{ filename, files }] = JSON.parse(execFileSync('npm', words, { cwd: root, encoding: 'utf8' }));
  packed = files.map(({ path }: { path: string }) => path);
  execFileSync('tar', ['-xzf', join(place, filename), '-C', installed, '--strip-components', '1']);
  // Node finds the package's dependencies in the folder above, so nothing is downloaded.
  symlinkSync(join(root, 'node_modules'), join(place, 'node_modules'));
  mkdirSync(join(app, 'node_modules', '.bin'));
  // npm makes the same link for "bin".
  const { bin } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'));
  symlinkSync(join('..', 'lockstep', bin.lockstep), join(app, 'node_modules', '.bin', 'lockstep'));
  chmodSync(join(installed, bin.lockstep), 0o755);
  writeFileSync(join(app, 'package.json'), '{ "name": "app", "type": "module" }');
}, safety.timeout);

afterAll(() => rmSync(dirname(app), { recursive: true, force: true }));

const environment = () => ({
  ...process.env,
  LOCKSTEP_DATA: '',
  LOCKSTEP_TOKEN: '',
  XDG_CACHE_HOME: join(app, 'cache'),
});

/** Runs a program in the project. Returns its output. Throws if the program fails. */
function run(file: string, ...words: string[]): string {
  return execFileSync(file, words, { cwd: app, encoding: 'utf8', env: environment(), timeout: safety.timeout });
}

/** The programs of LIBRARY.md, by the name in their first line. */
const examples = Object.fromEntries(
  [...readFileSync(join(root, 'coordinator', 'LIBRARY.md'), 'utf8').matchAll(/^```js\n\/\/ (\S+)\n(.*?)^```$/gms)].map(
    ([, name, text]) => [name, text],
  ),
);

function writeExample(name: string): string {
  writeFileSync(join(app, name), examples[name]);
  return name;
}

test('the package has the program, the kernels and the pages, and nothing that tests or measures', () => {
  expect(packed).toEqual(
    expect.arrayContaining([
      'README.md',
      'coordinator/LIBRARY.md',
      'dist/coordinator/library.d.ts',
      'dist/worker/library.d.ts',
      'dist/shared/arithmetic/webassembly/kernels.wasm',
      'shared/arithmetic/c/addon.c',
      'shared/arithmetic/c/kernels.c',
      'shared/arithmetic/c/calls.h',
      'dist/web/index.html',
      'dist/web/join.html',
      'dist/coordinator/export/model-page.html',
      'dist/coordinator/textbook/textbook.html',
    ]),
  );
  expect(packed.filter((path) => /(^|\/)(test|bench)\/|\.(map|tsbuildinfo)$|\.test\./.test(path))).toEqual([]);
  expect(packed.filter((path) => path.endsWith('.ts') && !path.endsWith('.d.ts'))).toEqual([]);
});

test('npx lockstep train works where the package is installed', safety, () => {
  const printed = run(
    'npx',
    '--offline',
    'lockstep',
    'train',
    '--dataset',
    'digits',
    '--max-steps',
    '3',
    '--out',
    'cli',
  );
  expect(printed).toContain('stopped at --max-steps after 3 steps');
  // Where there is a C compiler, the package has all that native kernels need.
  expect(printed).toContain(`"kernels":"${native === null ? 'webassembly' : 'native'} `);
  expect(JSON.parse(readFileSync(join(app, 'cli', 'summary.json'), 'utf8')).steps).toBe(3);
});

describe('the library', () => {
  test('does nothing when it is imported', safety, () => {
    const program = `
      const before = process.eventNames().map((name) => [name, process.listenerCount(name)]);
      await import('lockstep');
      await import('lockstep/worker');
      const after = process.eventNames().map((name) => [name, process.listenerCount(name)]);
      console.log(JSON.stringify(before) === JSON.stringify(after), process.getActiveResourcesInfo().includes('Timeout'));
    `;
    expect(run(process.execPath, '--input-type=module', '--eval', program)).toBe('true false\n');
  });

  test(
    'has types: every example is right as strict TypeScript, against declarations that are checked too',
    safety,
    () => {
      for (const [name, text] of Object.entries(examples)) writeFileSync(join(app, name.replace('.js', '.ts')), text);
      const compilerOptions = { strict: true, noEmit: true, target: 'ES2023', module: 'NodeNext', types: ['node'] };
      writeFileSync(join(app, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: tsNames() }));
      run(join(root, 'node_modules', '.bin', 'tsc'), '--project', 'tsconfig.json');
      writeFileSync(join(app, 'wrong.ts'), "import { train } from 'lockstep';\nawait train({ epochs: 'many' });\n");
      writeFileSync(join(app, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['wrong.ts'] }));
      expect(() => run(join(root, 'node_modules', '.bin', 'tsc'), '--project', 'tsconfig.json')).toThrow();
    },
  );

  test('trains, and what the run left classifies as its evaluation did', safety, () => {
    const trained = run(process.execPath, writeExample('train.js'));
    expect(trained).toMatch(
      /^step 100: .*\nstep 200: test accuracy 0\.\d+, weights [0-9a-f]{64}\nmax-steps after 200 steps\n$/,
    );
    const [, found, told] = run(process.execPath, writeExample('classify.js')).match(/^(0\.\d+) is (0\.\d+)\n$/) ?? [];
    expect(Number(found)).toBeGreaterThan(0.5);
    expect(found).toBe(told);
  });

  test('exports what the run left', safety, () => {
    const printed = run(process.execPath, writeExample('export.js'));
    expect(printed).toMatch(/^exports\/first-onnx\/model.onnx: \d+ bytes\n.*config.json: .*\n.*README.md: .*\n$/);
  });

  test('makes the weights that the command line makes', safety, () => {
    const { weightsSha256, steps } = JSON.parse(readFileSync(join(app, 'runs', 'first', 'summary.json'), 'utf8'));
    run('npx', '--offline', 'lockstep', 'train', '--dataset', 'digits', '--max-steps', String(steps), '--out', 'same');
    expect(JSON.parse(readFileSync(join(app, 'same', 'summary.json'), 'utf8')).weightsSha256).toBe(weightsSha256);
  });

  test('joins a run as a worker', safety, async () => {
    const serving = ['coordinator', '--threads', '0', '--port', '0'];
    const words = [...serving, '--dataset', 'digits', '--max-steps', '5', '--out', 'joined'];
    const program = join(app, 'node_modules', '.bin', 'lockstep');
    const coordinator = spawn(program, words, { cwd: app, env: environment() });
    const ended = new Promise((resolve) => coordinator.on('close', resolve));
    const address = await new Promise<string>((resolve, reject) => {
      let printed = '';
      coordinator.stdout.on('data', (text) => {
        printed += text;
        const match = printed.match(/lockstep worker (ws:\/\/[\d.:]+)/);
        if (match !== null) resolve(match[1]);
      });
      void ended.then(() => reject(new Error(`ended: ${printed}`)));
    });
    const printed = run(process.execPath, writeExample('worker.js'), address);
    expect(printed).toMatch(/^connecting\njoined\nthe run is finished.* \(\d+ shards\)\n$/i);
    expect(await ended).toBe(0);
  });
});

function tsNames(): string[] {
  return Object.keys(examples).map((name) => name.replace('.js', '.ts'));
}
