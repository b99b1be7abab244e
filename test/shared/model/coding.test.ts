/** Tests quantised numbers against their definition in double precision. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { memoryStart } from '../../../shared/arithmetic/backend.js';
import type { CodeBits } from '../../../shared/arithmetic/kernels.js';
import { codingOf, quantise } from '../../../shared/model/coding.js';
import { scalar } from '../arithmetic/backends.js';

const memory = scalar.createMemory(2 ** 16, false);

function quantised(x: Float32Array, bits: CodeBits, statistics = [{ offset: 0, floats: 0 }]): Float32Array {
  const at = new Float32Array(memory.buffer, memoryStart, x.length);
  at.set(x);
  quantise(memory, { bits, statistics }, memoryStart, x.length);
  return at.slice();
}

const bits = fc.constantFrom<CodeBits>(4, 8, 16);
const floats = fc
  .array(fc.float({ noNaN: true, noDefaultInfinity: true }), { minLength: 1, maxLength: 150 })
  .map((values) => Float32Array.from(values));

function blocksOf(x: Float32Array): Float32Array[] {
  return Array.from({ length: Math.ceil(x.length / 64) }, (_, n) => x.subarray(64 * n, 64 * (n + 1)));
}

describe('quantised numbers', () => {
  it('are the nearest whole numbers of a unit that the largest number of the block decides', () => {
    fc.assert(
      fc.property(floats, bits, (x, of) => {
        const blocks = blocksOf(quantised(x, of));
        for (const [n, block] of blocksOf(x).entries()) {
          const largest = block.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
          const exponent = largest === 0 ? -126 : Math.floor(Math.log2(largest));
          const unit = 2 ** Math.max(exponent - (of - 2), -126);
          const most = 2 ** (of - 1) - 1;
          for (const [i, value] of block.entries()) {
            const code = blocks[n][i] / unit;
            expect(Number.isInteger(code) && Math.abs(code) <= most).toBe(true);
            // Only a number that would need one code more than there is may be further away.
            const clamped = Math.max(-most, Math.min(most, value / unit));
            expect(Math.abs(code - clamped)).toBeLessThanOrEqual(0.5);
            expect(Object.is(blocks[n][i], -0)).toBe(false);
          }
        }
      }),
    );
  });

  it('round ties to even', () => {
    expect([...quantised(Float32Array.of(4, 0.5, 1.5, 2.5, -0.5, -1.5, -3.5), 4)]).toEqual([4, 0, 2, 2, 0, -2, -4]);
    expect([...quantised(Float32Array.of(7.5, -7.9, 7.4), 4)]).toEqual([7, -7, 7]);
  });

  it('stay as they are when they are quantised again', () => {
    fc.assert(
      fc.property(floats, bits, (x, of) => {
        const once = quantised(x, of);
        expect(quantised(once, of)).toEqual(once);
      }),
    );
  });

  it('have a scale for each block of 64', () => {
    const x = new Float32Array(130).fill(0.001);
    x[70] = 1000;
    const all = quantised(x, 8);
    expect([all[0], all[129]]).toEqual([x[0], x[0]].map((value) => expect.closeTo(value, 4)));
    expect([all[69], all[70]]).toEqual([0, 1000]);
  });

  it('are not finite in a block with a number that is not', () => {
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      const x = new Float32Array(100).fill(1);
      x[80] = value;
      const all = quantised(x, 4);
      expect(all.subarray(0, 64).every(Number.isFinite)).toBe(true);
      expect(all.subarray(64).some(Number.isFinite)).toBe(false);
    }
  });

  it('leave statistics alone, which do not count for the scale', () => {
    const x = Float32Array.of(1, 0.3, 1e6 + 0.5, -1e-3, 0.3);
    const all = quantised(x, 4, [{ offset: 2, floats: 2 }]);
    expect([...all]).toEqual([1, 0.25, 1e6 + 0.5, Math.fround(-1e-3), 0.25]);
  });
});

it('a run of 32 bits has no coding', () => {
  expect([codingOf(undefined, []), codingOf(32, [])]).toEqual([null, null]);
  expect(codingOf(8, [])).toEqual({ bits: 8, statistics: [] });
});
