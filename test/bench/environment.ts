/** Describes what a figure depends on: the machine, the versions of programs, the commit. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism, cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { nativeKernels } from '../../worker/native/native-kernels.js';
import { nodePlatform } from '../../worker/node-platform.js';
import { processorOf } from './goals.js';
import type { Python } from './pythons.js';

export type Environment = readonly (readonly [what: string, value: string])[];

/** The packages of the JavaScript peers, by their names in the report. */
const peerPackages = { 'TensorFlow.js': '@tensorflow/tfjs', 'jax-js': '@jax-js/jax' } as const;

/** How the report names the targets of each kind of processor. */
const named = { zen: "a Zen's", avx512: 'those of an Intel with AVX-512', other: "a Zen's, for want of its own" };

export async function describeEnvironment(root: string, pythons: readonly Python[]): Promise<Environment> {
  return [
    ...(await describeMachine(root, `; its targets are ${named[processorOf()]}`)),
    ...(pythons.length === 0 ? [['PyTorch', 'not installed'] as const] : pythons.map(environmentOf)),
    ...Object.entries(peerPackages).map(([name, path]) => [name, packageVersion(root, path)] as const),
  ];
}

/** The part that every figure depends on. `remark` is added to the processor. */
export async function describeMachine(root: string, remark = ''): Promise<Environment> {
  const [{ model }] = cpus();
  return [
    ['date', new Date().toISOString().slice(0, 16).replace('T', ' ')],
    ['commit', commit(root)],
    ['processor', `${model.trim()}, ${availableParallelism()} cores${remark}`],
    ['memory', `${(totalmem() / 2 ** 30).toFixed(1)} GiB`],
    ['kernel', `Linux ${release()}`],
    ['Node.js', `${process.versions.node}, V8 ${process.versions.v8}`],
    ['kernels', await kernelsHere()],
  ];
}

/** The kernels that the commands choose on this machine. */
async function kernelsHere(): Promise<string> {
  return (await nativeKernels())?.description ?? nodePlatform().backend.description;
}

function environmentOf({ torch, blas, numpy, version }: Python): readonly [string, string] {
  return ['PyTorch', `${torch} with ${blas}, NumPy ${numpy}, Python ${version}`];
}

/** The version of a peer's package, or "not installed". */
export function packageVersion(root: string, name: string): string {
  const path = join(root, 'test/bench/peers/node_modules', name, 'package.json');
  if (!existsSync(path)) return 'not installed';
  return (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version;
}

function commit(root: string): string {
  const git = (...words: string[]) => spawnSync('git', words, { cwd: root, encoding: 'utf8' });
  const head = git('rev-parse', 'HEAD');
  if (head.status !== 0) return 'unknown';
  // Changes of pages and reports do not count: a report becomes part of the next commit.
  const changed = git('status', '--porcelain', '--untracked-files=no').stdout.split('\n').filter(Boolean);
  const isDirty = changed.some((line) => !/(\.md|\/report\.json)$/.test(line));
  return head.stdout.trim() + (isDirty ? ', with changes that are not committed' : '');
}
