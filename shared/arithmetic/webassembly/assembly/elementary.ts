/** exp, log, sigmoid and tanh of four floats, by exactly the operations of `../../scalar/elementary.ts`. */
import { choose, loadOne, splat, storeOne, zero } from './vector';

/** 1.5 * 2^23. Adding it to a float rounds the float to an integer, which is then in the lowest bits of the sum. */
const ROUNDING: f32 = 12582912;

/** One step of Horner's rule, y x + c. The product is rounded, and then the sum. */
// @inline
function horner(y: v128, x: v128, c: f32): v128 {
  return f32x4.add(f32x4.mul(y, x), splat(c));
}

// @inline
export function exp4(x: v128): v128 {
  const clamped = f32x4.pmin(f32x4.pmax(x, splat(-104.5)), splat(89));
  const rounded = f32x4.add(f32x4.mul(clamped, splat(1.4426950408889634)), splat(ROUNDING));
  const n = f32x4.sub(rounded, splat(ROUNDING));
  const high = f32x4.sub(clamped, f32x4.mul(n, splat(0.693359375)));
  const r = f32x4.sub(high, f32x4.mul(n, splat(-2.1219444e-4)));
  let p = splat(1.98756915e-4);
  p = horner(p, r, 1.3981999507e-3);
  p = horner(p, r, 8.3334519073e-3);
  p = horner(p, r, 4.1665795894e-2);
  p = horner(p, r, 1.6666665459e-1);
  p = horner(p, r, 5.0000001201e-1);
  p = f32x4.add(f32x4.add(f32x4.mul(p, f32x4.mul(r, r)), r), splat(1));
  // 2^n is computed as a product of two powers of two. Each of their exponents has the bias of 127 that floats have.
  const whole = i32x4.sub(rounded, i32x4.splat(reinterpret<i32>(ROUNDING) - 254));
  const half = i32x4.shr_s(whole, 1);
  return f32x4.mul(f32x4.mul(p, i32x4.shl(half, 23)), i32x4.shl(i32x4.sub(whole, half), 23));
}

// @inline
export function log4(x: v128): v128 {
  const subnormal = f32x4.lt(x, splat(1.1754943508222875e-38));
  const bits = choose(subnormal, f32x4.mul(x, splat(8388608)), x);
  const exponent = i32x4.shr_s(i32x4.sub(bits, i32x4.splat(0x3f3504f3)), 23);
  const e = f32x4.convert_i32x4_s(i32x4.sub(exponent, v128.and(subnormal, i32x4.splat(23))));
  const t = f32x4.sub(i32x4.sub(bits, i32x4.shl(exponent, 23)), splat(1));
  const z = f32x4.mul(t, t);
  let y = splat(7.0376836292e-2);
  y = horner(y, t, -1.151461031e-1);
  y = horner(y, t, 1.167699874e-1);
  y = horner(y, t, -1.2420140846e-1);
  y = horner(y, t, 1.4249322787e-1);
  y = horner(y, t, -1.6668057665e-1);
  y = horner(y, t, 2.0000714765e-1);
  y = horner(y, t, -2.4999993993e-1);
  y = horner(y, t, 3.3333331174e-1);
  y = f32x4.mul(f32x4.mul(y, t), z);
  y = f32x4.add(y, f32x4.mul(e, splat(-2.1219444e-4)));
  y = f32x4.sub(y, f32x4.mul(z, splat(0.5)));
  y = f32x4.add(f32x4.add(t, y), f32x4.mul(e, splat(0.693359375)));
  y = choose(f32x4.eq(x, zero()), splat(-Infinity), y);
  return choose(f32x4.eq(x, splat(Infinity)), x, y);
}

// @inline
export function sigmoid4(x: v128): v128 {
  return f32x4.div(splat(1), f32x4.add(splat(1), exp4(f32x4.neg(x))));
}

// @inline
function tanh4(x: v128): v128 {
  const z = f32x4.mul(x, x);
  let p = splat(-5.70498872745e-3);
  p = horner(p, z, 2.06390887954e-2);
  p = horner(p, z, -5.37397155531e-2);
  p = horner(p, z, 1.33314422036e-1);
  p = horner(p, z, -3.33332819422e-1);
  const near = f32x4.add(f32x4.mul(f32x4.mul(p, z), x), x);
  const magnitude = f32x4.abs(x);
  const e = f32x4.add(exp4(f32x4.mul(splat(2), magnitude)), splat(1));
  const far = f32x4.sub(splat(1), f32x4.div(splat(2), e));
  const signed = v128.or(far, v128.and(x, splat(-0.0)));
  return choose(f32x4.lt(magnitude, splat(0.625)), near, signed);
}

export function exp(x: usize, y: usize, floats: i32): void {
  const end = x + ((<usize>floats) << 2);
  for (; x + 16 <= end; x += 16, y += 16) v128.store(y, exp4(v128.load(x)));
  for (; x < end; x += 4, y += 4) storeOne(y, exp4(loadOne(x)));
}

export function log(x: usize, y: usize, floats: i32): void {
  const end = x + ((<usize>floats) << 2);
  for (; x + 16 <= end; x += 16, y += 16) v128.store(y, log4(v128.load(x)));
  for (; x < end; x += 4, y += 4) storeOne(y, log4(loadOne(x)));
}

export function sigmoid(x: usize, y: usize, floats: i32): void {
  const end = x + ((<usize>floats) << 2);
  for (; x + 16 <= end; x += 16, y += 16) v128.store(y, sigmoid4(v128.load(x)));
  for (; x < end; x += 4, y += 4) storeOne(y, sigmoid4(loadOne(x)));
}

export function tanh(x: usize, y: usize, floats: i32): void {
  const end = x + ((<usize>floats) << 2);
  for (; x + 16 <= end; x += 16, y += 16) v128.store(y, tanh4(v128.load(x)));
  for (; x < end; x += 4, y += 4) storeOne(y, tanh4(loadOne(x)));
}
