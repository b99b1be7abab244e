/**
 * exp, log, sigmoid and tanh of a float32, as a fixed sequence of float32 operations (E2). The functions of
 * `Math` differ from engine to engine; these do not.
 *
 * The method is that of Cephes (Moshier): Cody-Waite reduction of the argument, then a minimax polynomial. Every
 * operation rounds once; there is no fused multiply-add. `../c/elementary.h` computes several
 * numbers at a time in the same way.
 */
const f = Math.fround;

const word = new DataView(new ArrayBuffer(4));

function bitsOf(x: number): number {
  word.setFloat32(0, x);
  return word.getInt32(0);
}

function fromBits(bits: number): number {
  word.setInt32(0, bits);
  return word.getFloat32(0);
}

/** 2^n for a normal result: n from -126 to 127. */
function powerOfTwo(n: number): number {
  return fromBits((n + 127) << 23);
}

/** To the nearest integer, ties to even, for |x| below 2^22: adding 1.5 * 2^23 leaves no room for a fraction. */
function nearest(x: number): number {
  return f(f(x + 12582912) - 12582912);
}

/** ln 2 in two parts: the product of the first with an integer below 2^15 is exact. */
const ln2High = 0.693359375;
const ln2Low = f(-2.1219444e-4);
const log2e = f(Math.LOG2E);

/** Below and above these arguments the result is +0 or infinite, without the polynomial. */
const expLowest = -104.5;
const expHighest = 89;
const expCoefficients = [
  1.98756915e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1,
].map(f);

/** e^x: x = n ln 2 + r with |r| <= ln(2)/2, and e^x = 2^n e^r. 2^n goes in two steps, as it may not be normal. */
export function exp(x: number): number {
  const clamped = Math.min(Math.max(x, expLowest), expHighest);
  const n = nearest(f(clamped * log2e));
  const r = f(f(clamped - f(n * ln2High)) - f(n * ln2Low));
  const p = f(f(f(polynomial(expCoefficients, r) * f(r * r)) + r) + 1);
  const half = n >> 1;
  return f(f(p * powerOfTwo(half)) * powerOfTwo(n - half));
}

const smallestNormal = f(2 ** -126);
const sqrtHalfBits = bitsOf(f(Math.SQRT1_2));
const logCoefficients = [
  7.0376836292e-2, -1.151461031e-1, 1.167699874e-1, -1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1,
  2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1,
].map(f);

/** ln x for x >= 0: x = 2^e m with m from sqrt(1/2) to sqrt(2), and ln x = e ln 2 + ln(1 + (m - 1)). */
export function log(x: number): number {
  if (x === 0) return -Infinity;
  if (x === Infinity) return Infinity;
  const subnormal = x < smallestNormal;
  const bits = bitsOf(subnormal ? f(x * 2 ** 23) : x);
  const exponent = (bits - sqrtHalfBits) >> 23;
  const e = subnormal ? exponent - 23 : exponent;
  const t = f(fromBits(bits - (exponent << 23)) - 1);
  const z = f(t * t);
  let y = f(f(polynomial(logCoefficients, t) * t) * z);
  y = f(y + f(e * ln2Low));
  y = f(y - f(0.5 * z));
  return f(f(t + y) + f(e * ln2High));
}

/** 1 / (1 + e^-x): +0 where e^-x is infinite, never NaN. */
export function sigmoid(x: number): number {
  return f(1 / f(1 + exp(-x)));
}

/** Below this the exponential form loses digits. */
const tanhSmall = 0.625;
const tanhCoefficients = [
  -5.70498872745e-3, 2.06390887954e-2, -5.37397155531e-2, 1.33314422036e-1, -3.33332819422e-1,
].map(f);

/** An odd polynomial near 0, elsewhere 1 - 2 / (e^2|x| + 1) with the sign of x. */
export function tanh(x: number): number {
  const z = f(x * x);
  if (Math.abs(x) < tanhSmall) return f(f(f(polynomial(tanhCoefficients, z) * z) * x) + x);
  const magnitude = f(1 - f(2 / f(exp(f(2 * Math.abs(x))) + 1)));
  return x < 0 ? -magnitude : magnitude;
}

/** Horner's rule, the highest power first. */
function polynomial(coefficients: readonly number[], x: number): number {
  let y = coefficients[0];
  for (let i = 1; i < coefficients.length; i++) y = f(f(y * x) + coefficients[i]);
  return y;
}
