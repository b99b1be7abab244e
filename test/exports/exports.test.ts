/**
 * Checks exported models with ONNX Runtime, PyTorch and TensorFlow.js, where they are installed: run.sh says how. Where
 * there is MNIST, a model that was trained on it must give the same answers for all of its test images.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadDataset } from '../../coordinator/data/load.js';
import { lockstep } from '../cli/fixture.js';
import { writeCase, writeTrained } from './cases.js';
import { models } from './models.js';

const timeout = 600_000;

/** The paths are relative to the compiled test in dist/. */
const pathOf = (path: string) => fileURLToPath(new URL(`../../../test/${path}`, import.meta.url));
const data = process.env.LOCKSTEP_DATA || undefined;

/** The first Python that has a module: the one that is named, that of run.sh, or the system's. */
function pythonWith(module: string): string | undefined {
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
  const named = (process.env.LOCKSTEP_PYTHON ?? '').split(':').filter((path) => path !== '');
  const candidates = [...named, join(cache, 'lockstep', 'python-exports', 'bin', 'python'), 'python3'];
  return candidates.find((python) => spawnSync(python, ['-c', `import numpy, ${module}`]).status === 0);
}

interface Engine {
  readonly name: string;
  /** The command that checks all cases of a directory. Null where the program is not installed. */
  readonly command: ((directory: string) => readonly [string, ...string[]]) | null;
}

function inPython(name: string, module: string): Engine {
  const python = pythonWith(module);
  return { name, command: python ? (cases) => [python, pathOf('exports/check.py'), module, cases] : null };
}

function inNode(): Engine {
  const peers = pathOf('bench/peers');
  const isThere = existsSync(join(peers, 'node_modules', '@tensorflow', 'tfjs'));
  const command: Engine['command'] = (cases) => [process.execPath, pathOf('exports/check.mjs'), peers, cases];
  return { name: 'TensorFlow.js', command: isThere ? command : null };
}

const engines = [inPython('ONNX Runtime', 'onnxruntime'), inPython('PyTorch', 'torch'), inNode()];

const root = mkdtempSync(join(tmpdir(), 'lockstep-exports-'));
const cases = join(root, 'cases');
afterAll(() => rmSync(root, { recursive: true }));

beforeAll(async () => {
  if (engines.every(({ command }) => command === null)) return;
  mkdirSync(cases);
  for (const [name, model] of Object.entries(models)) await writeCase(root, name, model);
  if (data === undefined) return;
  const run = join(root, 'trained');
  expect((await lockstep('train', '--data', data, '--epochs', 2, '--out', run).ended).code).toBe(0);
  const { test: samples } = await loadDataset({ dataset: 'auto', directory: data });
  await writeTrained(join(cases, 'trained on the data set'), run, samples.images);
}, timeout);

for (const { name, command } of engines) {
  test.skipIf(command === null)(
    `${name} computes what the kernels compute${command === null ? ' (skipped: it is not installed)' : ''}`,
    { timeout },
    () => {
      const [program, ...words] = command!(cases);
      const environment = { ...process.env, PYTHONDONTWRITEBYTECODE: '1' };
      const { status, stdout, stderr } = spawnSync(program, words, { encoding: 'utf8', env: environment });
      expect(status, stderr).toBe(0);
      const found = stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line));
      expect(found).toHaveLength(Object.keys(models).length + (data === undefined ? 0 : 1));
      expect(found.filter(({ wrong, difference }) => wrong > 0 || !(difference <= 1e-5))).toEqual([]);
    },
  );
}
