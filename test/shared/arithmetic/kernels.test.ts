import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type KernelBackend, memoryStart } from '../../../shared/arithmetic/backend.js';
import { Activation } from '../../../shared/arithmetic/kernels.js';
import { knownAnswer, knownAnswerBytes } from '../../../shared/arithmetic/known-answer.js';
import { backendsUnderTest, scalar } from './backends.js';
import { caseBytes, type Implementation, type KernelCase, kernelCases, layerCases } from './kernels.cases.js';

function implementation({ sizes, createMemory }: KernelBackend, shared: boolean): Implementation {
  return { sizes, memory: createMemory(caseBytes, shared) };
}

const specification = implementation(scalar, false);

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

function expectSameBytes(kernelCase: KernelCase, implementation: Implementation): void {
  const expected = kernelCase.run(specification);
  const actual = kernelCase.run(implementation);
  if (sameBytes(expected, actual)) return;
  const byte = expected.findIndex((value, i) => value !== actual[i]);
  expect(byte, `${kernelCase.name}: first byte that differs`).toBe(-1);
}

describe.each(backendsUnderTest)('the $name kernels equal the scalar specification, bit for bit', (backend) => {
  const own = implementation(backend, false);
  const cases = kernelCases();
  const kinds = [...new Set(cases.map(({ name }) => name.split(' ')[0]))];
  test.each(kinds)('%s', (kind) => {
    for (const each of cases) if (each.name.startsWith(`${kind} `)) expectSameBytes(each, own);
  });

  test('on shared memory too', () => {
    const shared = implementation(backend, true);
    for (const each of cases.filter((_, i) => i % 7 === 0)) expectSameBytes(each, shared);
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
        for (const each of layerCases(sizes, share, code)) expectSameBytes(each, own);
      }),
      { numRuns: 60, seed: 1 },
    );
  });
});

const answer = ({ memory, sizes }: Implementation) => knownAnswer(memory, sizes, memoryStart);

describe.each([scalar, ...backendsUnderTest])('the known answer of $name', (backend) => {
  test('is that of the specification, on memory of either kind', () => {
    const expected = answer(specification);
    for (const shared of [false, true]) expect(sameBytes(answer(implementation(backend, shared)), expected)).toBe(true);
  });

  test('does not depend on what the memory held, and repeats', () => {
    const own = implementation(backend, false);
    new Uint8Array(own.memory.buffer).fill(0xa5);
    const expected = answer(own);
    expect(sameBytes(answer(own), expected)).toBe(true);
    expect(sameBytes(answer(specification), expected)).toBe(true);
  });

  test('stays in its region', () => {
    const own = implementation(backend, false);
    const bytes = new Uint8Array(own.memory.buffer).fill(0x33);
    answer(own);
    const outside = [
      ...bytes.subarray(0, memoryStart),
      ...bytes.subarray(memoryStart + knownAnswerBytes(backend.sizes)).subarray(0, 4096),
    ];
    expect(outside.every((byte) => byte === 0x33)).toBe(true);
  });
});

test('the known answer contains no NaN, and subnormal numbers', () => {
  const bytes = answer(specification);
  const floats = new Float32Array(bytes.buffer, 0, bytes.length >> 2);
  expect(floats.some(Number.isNaN)).toBe(false);
  expect(floats.filter((x) => x !== 0 && Math.abs(x) < 2 ** -126).length).toBeGreaterThan(100);
});
