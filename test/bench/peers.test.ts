/** Tests how the benchmark finds the ways to run PyTorch, and how it chooses the best of them. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { goalsFor, kindOf } from './goals.js';
import { candidates, describe, type Python, remarkOn } from './pythons.js';
import { fastest } from './qualifying.js';
import { convolutionRows, findRow } from './rows.js';
import { parseTrials, sharingProcess, torchCommand } from './torch.js';
import { kindsFor, singleKinds, type TorchKind, tunedDdp, type Way, waysOf } from './torch-kinds.js';

const debian: Python = {
  ...{ program: '/usr/bin/python3', version: '3.11.2', torch: '1.13.0', numpy: '1.24.2' },
  ...{ blas: 'OpenBLAS', abilities: [] },
};
const wheel: Python = {
  ...{ program: '/opt/venv/bin/python', version: '3.12.1', torch: '2.15.0', numpy: '2.4.6' },
  ...{ blas: 'MKL', abilities: ['fused', 'compile'] },
};

const scratch = mkdtempSync(join(tmpdir(), 'lockstep-peers-'));
afterAll(() => rmSync(scratch, { recursive: true }));

function way(name: string, python = wheel, kind: Partial<TorchKind> = {}): Way {
  return { name, python, kind: { name, options: [], threads: 1, ...kind } };
}

test('the system’s interpreter comes first; the variable adds others, each once', () => {
  expect(candidates(undefined)).toEqual(['/usr/bin/python3']);
  expect(candidates('/a/python:/usr/bin/python3::/b/python:/a/python')).toEqual([
    '/usr/bin/python3',
    '/a/python',
    '/b/python',
  ]);
});

test('a version is named without its build', () => {
  const { program: _, ...answer } = { ...wheel, torch: '2.15.0+cu132' };
  expect(describe(wheel.program, JSON.stringify(answer))).toEqual(wheel);
});

test('the remark warns if only an old version was measured', () => {
  expect(remarkOn([debian, wheel])).toContain('1.13.0 (OpenBLAS) and 2.15.0 (MKL)');
  expect(remarkOn([debian, wheel])).not.toContain('not installed');
  expect(remarkOn([debian])).toContain('The current wheel is faster, and is not installed');
  expect(remarkOn([])).toContain('no ratios');
});

test('an interpreter gets only the kinds that it can run', () => {
  const names = waysOf([debian, wheel], singleKinds, true).map(({ name }) => name);
  expect(names).toContain('PyTorch 1.13.0, 2 threads, OpenMP');
  expect(names).not.toContain('PyTorch 1.13.0, 2 threads, fused');
  expect(names).toContain('PyTorch 2.15.0, 2 threads, fused');
  expect(names).toContain('PyTorch 2.15.0, 1 thread, compiled step');
  expect(names).not.toContain('PyTorch 2.15.0, 2 threads, OpenMP');
  expect(new Set(names).size).toBe(names.length);
  const without = waysOf([debian], singleKinds, false).map(({ name }) => name);
  expect(without).toEqual(['PyTorch 1.13.0, 1 thread', 'PyTorch 1.13.0, 2 threads']);
});

test('tuned ways use the fused optimizer where there is one', () => {
  const row = findRow('784-100-10, 128');
  const pixels = { name: 'MNIST', directory: '/data', rate: 0.1 };
  const words = waysOf([debian, wheel], tunedDdp).map((each) => {
    return torchCommand({ root: '/', scratch, row, pixels, scheduling: 'batch', way: each }).words.join(' ');
  });
  expect(words.map((each) => each.includes('--fused'))).toEqual([false, true, true]);
});

test('convolutions are also tried with the channels last; every way trains with the optimizer of its row', () => {
  const [row] = convolutionRows;
  const kinds = kindsFor(row.network, [{ name: 'plain', options: [], threads: 1 }]);
  expect(kinds.map(({ name }) => name)).toEqual(['plain', 'plain, channels last']);
  expect(kindsFor(findRow('784-100-10, 128').network, kinds)).toBe(kinds);
  const pixels = { name: 'MNIST', directory: '/data', rate: 0.1 };
  const words = waysOf([wheel], kinds).map((each) => {
    return torchCommand({ root: '/', scratch, row, pixels, scheduling: 'other', way: each }).words.join(' ');
  });
  for (const each of words) expect(each).toContain(`/cnn-small.json --batch 256 --optimizer adam --lr 0.001`);
  expect(words.map((each) => each.includes('--channels-last'))).toEqual([false, true]);
});

test('only ways with the same environment share a process, and the first has the most threads', () => {
  const one = way('one');
  const two = way('two', wheel, { threads: 2 });
  const [d1, d2] = [way('d1', debian), way('d2', debian, { threads: 2 })];
  const d2openmp = way('d2 OpenMP', debian, { threads: 2, openmp: true });
  expect(sharingProcess([one, d1, two, d2, d2openmp])).toEqual([[two, one], [d1], [d2], [d2openmp]]);
});

test('each line of the trials belongs to one way; a trial that failed has a reason', () => {
  const [a, b] = [way('a'), way('b')];
  const stdout = 'a warning\n{"samplesPerSecond": 5, "rates": [5]}\n{"fault": "RuntimeError: no compiler"}\n';
  expect(parseTrials([a, b], stdout)).toEqual([
    { way: a, rate: 5 },
    { way: b, rate: 'RuntimeError: no compiler' },
  ]);
  expect(() => parseTrials([a, b, way('c')], stdout)).toThrow('2 of 3 trials gave a result');
});

test('the fastest go on, the fastest first; a way that failed never does', () => {
  const trials = [
    { way: way('slow'), rate: 1 },
    { way: way('broken'), rate: 'no compiler' },
    { way: way('best'), rate: 9 },
    { way: way('good'), rate: 8 },
  ];
  expect(fastest(trials, 2).map(({ name }) => name)).toEqual(['best', 'good']);
  expect(fastest(trials, 9).map(({ name }) => name)).toEqual(['best', 'good', 'slow']);
});

test('the targets depend on the processor', () => {
  const flags = 'flags : fpu avx2 avx512f avx512bw';
  expect(kindOf('AMD EPYC', flags)).toBe('zen');
  expect(kindOf('Intel(R) Xeon(R) Platinum 8488C', flags)).toBe('avx512');
  expect(kindOf('Intel(R) Core(TM) i7', 'flags : fpu avx2')).toBe('other');
  expect(goalsFor('zen')).toMatchObject({ convolutions: 1.5, dense: 1, sgemm: 0.9 });
  expect(goalsFor('avx512')).toMatchObject({ convolutions: 1.2, dense: 0.5, sgemm: 0.5 });
  const [small, wide] = [findRow('784-16-16-10, 128'), findRow('784-512-512-10 relu, 1024')];
  expect([goalsFor('zen').train(small), goalsFor('zen').train(wide)]).toEqual([2, 1.4]);
  expect([goalsFor('avx512').train(small), goalsFor('avx512').train(wide)]).toEqual([2, 1]);
});
