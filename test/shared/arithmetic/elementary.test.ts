import { expect, test } from 'vitest';
import { exp, log, sigmoid, tanh } from '../../../shared/arithmetic/scalar/elementary.js';
import { Random } from '../../../shared/random.js';

const view = new DataView(new ArrayBuffer(4));
function fromBits(bits: number): number {
  view.setUint32(0, bits);
  return view.getFloat32(0);
}
/** Numbers the floats in ascending order. Both zeros have the number 0. */
function ordinal(x: number): number {
  view.setFloat32(0, x);
  const bits = view.getInt32(0);
  return bits < 0 ? -(bits & 0x7fff_ffff) : bits;
}
function ulps(a: number, b: number): number {
  return Math.abs(ordinal(a) - ordinal(b));
}

/** The largest distance from the reference in ulp. `lo` and `hi` are the bits of the first and last float. */
function worst(f: (x: number) => number, reference: (x: number) => number, lo: number, hi: number): number {
  const random = new Random(lo, hi);
  let most = 0;
  const check = (x: number) => {
    most = Math.max(most, ulps(f(x), Math.fround(reference(x))));
  };
  for (let n = 0; n < 400_000; n++) check(fromBits(lo + random.below(hi - lo + 1)));
  for (let n = 0; n < 200; n++) for (const bits of [lo + n, hi - n]) check(fromBits(bits));
  return most;
}

const POSITIVE = 0;
const NEGATIVE = 0x8000_0000;
const INFINITE = 0x7f80_0000;
const bitsOf = (x: number) => ordinal(Math.fround(x));

test('exp is within 2 ulp everywhere, subnormal results included', () => {
  expect(worst(exp, Math.exp, POSITIVE, POSITIVE + INFINITE)).toBeLessThanOrEqual(2);
  expect(worst(exp, Math.exp, NEGATIVE, NEGATIVE + INFINITE)).toBeLessThanOrEqual(2);
  expect(worst(exp, Math.exp, bitsOf(2 ** -20), bitsOf(90))).toBeLessThanOrEqual(2);
  expect(worst(exp, Math.exp, NEGATIVE + bitsOf(2 ** -20), NEGATIVE + bitsOf(86))).toBeLessThanOrEqual(2);
  expect(worst(exp, Math.exp, NEGATIVE + bitsOf(86), NEGATIVE + bitsOf(106))).toBeLessThanOrEqual(2);
});

test('log is within 2 ulp everywhere, subnormal arguments included', () => {
  expect(worst(log, Math.log, POSITIVE, POSITIVE + INFINITE)).toBeLessThanOrEqual(2);
  expect(worst(log, Math.log, POSITIVE, bitsOf(2 ** -126))).toBeLessThanOrEqual(2);
  expect(worst(log, Math.log, bitsOf(0.4), bitsOf(2.5))).toBeLessThanOrEqual(2);
});

test('tanh is within 2 ulp', () => {
  for (const sign of [POSITIVE, NEGATIVE]) {
    expect(worst(tanh, Math.tanh, sign, sign + INFINITE)).toBeLessThanOrEqual(2);
    expect(worst(tanh, Math.tanh, sign + bitsOf(0.1), sign + bitsOf(10))).toBeLessThanOrEqual(2);
  }
});

test('sigmoid is within 3 ulp where its exponential is finite', () => {
  const reference = (x: number) => 1 / (1 + Math.exp(-x));
  expect(worst(sigmoid, reference, POSITIVE, INFINITE)).toBeLessThanOrEqual(3);
  expect(worst(sigmoid, reference, NEGATIVE, NEGATIVE + bitsOf(87))).toBeLessThanOrEqual(3);
});

test('values at the edges', () => {
  expect([0, -0, Infinity, -Infinity].map(exp)).toEqual([1, 1, Infinity, 0]);
  expect(exp(88.72282)).toBeLessThan(Infinity);
  expect(exp(88.73)).toBe(Infinity);
  expect(exp(-103.9)).toBe(2 ** -149);
  expect(exp(-104)).toBe(0);
  expect([0, -0, 1, Infinity].map(log)).toEqual([-Infinity, -Infinity, 0, Infinity]);
  expect(log(2 ** -149)).toBe(Math.fround(Math.log(2 ** -149)));
  expect([1e38, -1e38, Infinity, -Infinity].map(sigmoid)).toEqual([1, 0, 1, 0]);
  expect([1e38, -1e38, Infinity, -Infinity, 0].map(tanh)).toEqual([1, -1, 1, -1, 0]);
  expect([2 ** -149, -(2 ** -149), 1e-30].map(tanh)).toEqual([2 ** -149, -(2 ** -149), 1e-30].map(Math.fround));
});
