/** What a figure depends on beside the code: the machine, the versions, the commit. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism, cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';
import type { Python } from './torch.js';

export type Environment = readonly (readonly [what: string, value: string])[];

/** Packages of the JavaScript peers, by the name in the report. */
const peerPackages = { 'TensorFlow.js': '@tensorflow/tfjs', 'jax-js': '@jax-js/jax' } as const;

export function describeEnvironment(root: string, python: Python | null): Environment {
  const [{ model }] = cpus();
  return [
    ['date', new Date().toISOString().slice(0, 16).replace('T', ' ')],
    ['commit', commit(root)],
    ['processor', `${model.trim()}, ${availableParallelism()} cores`],
    ['memory', `${(totalmem() / 2 ** 30).toFixed(1)} GiB`],
    ['kernel', `Linux ${release()}`],
    ['Node.js', `${process.versions.node}, V8 ${process.versions.v8}`],
    ['Python', python === null ? 'none with PyTorch' : python.version],
    ['PyTorch', python === null ? 'not installed' : `${python.torch}, NumPy ${python.numpy}`],
    ...Object.entries(peerPackages).map(([name, path]) => [name, packageVersion(root, path)] as const),
  ];
}

/** Of an installed peer, or that it is not. */
export function packageVersion(root: string, name: string): string {
  const path = join(root, 'test/bench/peers/node_modules', name, 'package.json');
  if (!existsSync(path)) return 'not installed';
  return (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version;
}

function commit(root: string): string {
  const git = (...words: string[]) => spawnSync('git', words, { cwd: root, encoding: 'utf8' });
  const head = git('rev-parse', 'HEAD');
  if (head.status !== 0) return 'unknown';
  // The report itself is of the next commit.
  const changed = git('status', '--porcelain', '--untracked-files=no').stdout.split('\n').filter(Boolean);
  const isDirty = changed.some((line) => !/test\/bench\/(REPORT\.md|report\.json)$/.test(line));
  return head.stdout.trim() + (isDirty ? ', with changes that are not committed' : '');
}
