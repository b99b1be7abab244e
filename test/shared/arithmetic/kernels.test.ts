import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { KernelBackend } from '../../../shared/arithmetic/backend.js';
import { Activation } from '../../../shared/arithmetic/kernels.js';
import { backendsUnderTest, native, nativeOfEachWidth, scalar } from './backends.js';
import { caseBytes, type Implementation, type KernelCase } from './case-workspace.js';
import { convCases } from './convolution.cases.js';
import { kernelCases, layerCases } from './kernels.cases.js';

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

test.skipIf(native === null)('native kernels are tested, in every width (needs a C compiler)', () => {
  expect(nativeOfEachWidth.map(({ description }) => description)).toContain(native?.description);
});

describe.each(backendsUnderTest)(
  'the kernels of $description equal the scalar specification, bit for bit',
  (backend) => {
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

    test('for convolutions of any size', () => {
      const sizes = fc.record({
        height: fc.integer({ min: 1, max: 9 }),
        width: fc.integer({ min: 1, max: 15 }),
        channels: fc.integer({ min: 1, max: 20 }),
        kernel: fc.integer({ min: 1, max: 5 }),
        stride: fc.integer({ min: 1, max: 4 }),
        padding: fc.integer({ min: 0, max: 4 }),
        outputs: fc.integer({ min: 1, max: 40 }),
      });
      const fitting = sizes.filter(
        ({ height, width, kernel, padding }) => kernel <= Math.min(height, width) + 2 * padding,
      );
      const zeros = fc.constantFrom(0, 0.6, 0.95);
      const activation = fc.constantFrom(...Object.entries(Activation));
      fc.assert(
        fc.property(fc.integer({ min: 1, max: 3 }), fitting, zeros, activation, (rows, conv, share, code) => {
          for (const each of convCases(rows, conv, share, code)) expectSameBytes(each, own);
        }),
        { numRuns: 60, seed: 1 },
      );
    });
  },
);
