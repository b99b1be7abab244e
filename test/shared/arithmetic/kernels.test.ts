import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Activation, type Kernels } from '../../../shared/arithmetic/kernels.js';
import { knownAnswer, knownAnswerBytes } from '../../../shared/arithmetic/known-answer.js';
import { scalarKernels } from '../../../shared/arithmetic/scalar.js';
import { compileKernels, reservedBytes, simdKernels } from '../../../shared/arithmetic/webassembly/binary.js';
import { kernelBinary } from './binary.js';
import { caseBytes, type KernelCase, kernelCases, layerCases, type Memory } from './kernels.cases.js';

interface Implementation {
  readonly kernels: Kernels;
  readonly memory: Memory;
}

function newMemory(shared: boolean) {
  const pages = caseBytes / 65_536;
  return new WebAssembly.Memory({ initial: pages, maximum: pages, shared });
}

function simd(shared: boolean): Implementation {
  const memory = newMemory(shared);
  return { kernels: simdKernels(compileKernels(kernelBinary, shared), memory), memory };
}

function scalar(): Implementation {
  const memory = newMemory(false);
  return { kernels: scalarKernels(memory), memory };
}

const specification = scalar();
const privateSimd = simd(false);
const sharedSimd = simd(true);

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

function expectSameBytes(kernelCase: KernelCase, implementation: Implementation): void {
  const expected = kernelCase.run(specification.kernels, specification.memory);
  const actual = kernelCase.run(implementation.kernels, implementation.memory);
  if (sameBytes(expected, actual)) return;
  const byte = expected.findIndex((value, i) => value !== actual[i]);
  expect(byte, `${kernelCase.name}: first byte that differs`).toBe(-1);
}

describe('the SIMD kernels equal the scalar specification, bit for bit', () => {
  const cases = kernelCases();
  const kinds = [...new Set(cases.map(({ name }) => name.split(' ')[0]))];
  test.each(kinds)('%s', (kind) => {
    for (const each of cases) if (each.name.startsWith(`${kind} `)) expectSameBytes(each, privateSimd);
  });

  test('on shared memory too', () => {
    for (const each of cases.filter((_, i) => i % 7 === 0)) expectSameBytes(each, sharedSimd);
  });

  test('for layers of any size', () => {
    const layer = fc.record({
      rows: fc.integer({ min: 1, max: 70 }),
      inputs: fc.integer({ min: 1, max: 150 }),
      outputs: fc.integer({ min: 1, max: 70 }),
    });
    const zeros = fc.constantFrom(0, 0.2, 0.6, 0.95);
    const activation = fc.constantFrom(...Object.entries(Activation));
    fc.assert(
      fc.property(layer, zeros, activation, (sizes, share, code) => {
        for (const each of layerCases(sizes, share, code)) expectSameBytes(each, privateSimd);
      }),
      { numRuns: 60, seed: 1 },
    );
  });
});

describe('the known answer', () => {
  const answer = ({ kernels, memory }: Implementation) => knownAnswer(kernels, memory, reservedBytes);

  test('is the same from every implementation', () => {
    const expected = answer(specification);
    expect(sameBytes(answer(privateSimd), expected)).toBe(true);
    expect(sameBytes(answer(sharedSimd), expected)).toBe(true);
  });

  test('does not depend on what the memory held, and repeats', () => {
    new Uint8Array(privateSimd.memory.buffer).fill(0xa5);
    const expected = answer(privateSimd);
    expect(sameBytes(answer(privateSimd), expected)).toBe(true);
    expect(sameBytes(answer(specification), expected)).toBe(true);
  });

  test('stays in its region', () => {
    const bytes = new Uint8Array(privateSimd.memory.buffer).fill(0x33);
    answer(privateSimd);
    const outside = [
      ...bytes.subarray(0, reservedBytes),
      ...bytes.subarray(reservedBytes + knownAnswerBytes).subarray(0, 4096),
    ];
    expect(outside.every((byte) => byte === 0x33)).toBe(true);
  });

  test('contains no NaN, and subnormal numbers', () => {
    const bytes = answer(specification);
    const floats = new Float32Array(bytes.buffer, 0, bytes.length >> 2);
    expect(floats.some(Number.isNaN)).toBe(false);
    expect(floats.filter((x) => x !== 0 && Math.abs(x) < 2 ** -126).length).toBeGreaterThan(100);
  });
});
