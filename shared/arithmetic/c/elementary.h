/* exp, log, sigmoid and tanh of a vector, by exactly the operations of ../scalar/elementary.ts. */
#pragma once

#include "vector.h"

/* 1.5 * 2^23. Adding it to a float rounds the float to an integer, which is then in the lowest bits of the sum. */
static const float ROUNDING = 12582912;
static const int32_t ROUNDING_BITS = 0x4b400000;
static const int32_t SIGN = INT32_MIN;

INLINE vec clamp(vec x, float low, float high) {
  x = choose(x < low, splat(low), x);
  return choose(x > high, splat(high), x);
}

INLINE vec magnitude_of(vec x) { return (vec)((ivec)x & ~SIGN); }

INLINE vec exponential(vec x) {
  vec clamped = clamp(x, -104.5f, 89);
  vec rounded = clamped * 1.4426950408889634f + ROUNDING;
  vec n = rounded - ROUNDING;
  vec r = (clamped - n * 0.693359375f) - n * -2.1219444e-4f;
  vec p = splat(1.98756915e-4f);
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = (p * (r * r) + r) + 1.0f;
  /* 2^n is computed as a product of two powers of two. Each of their exponents has the bias of 127 that floats have. */
  ivec whole = (ivec)rounded - (ROUNDING_BITS - 254);
  ivec half = whole >> 1;
  return (p * (vec)(half << 23)) * (vec)((whole - half) << 23);
}

INLINE vec logarithm(vec x) {
  ivec subnormal = x < 1.1754943508222875e-38f;
  ivec bits = (ivec)choose(subnormal, x * 8388608.0f, x);
  ivec exponent = (bits - 0x3f3504f3) >> 23;
  vec e = __builtin_convertvector(exponent - (subnormal & 23), vec);
  vec t = (vec)(bits - (exponent << 23)) - 1.0f;
  vec z = t * t;
  vec y = splat(7.0376836292e-2f);
  y = y * t + -1.151461031e-1f;
  y = y * t + 1.167699874e-1f;
  y = y * t + -1.2420140846e-1f;
  y = y * t + 1.4249322787e-1f;
  y = y * t + -1.6668057665e-1f;
  y = y * t + 2.0000714765e-1f;
  y = y * t + -2.4999993993e-1f;
  y = y * t + 3.3333331174e-1f;
  y = (y * t) * z;
  y = y + e * -2.1219444e-4f;
  y = y - z * 0.5f;
  y = (t + y) + e * 0.693359375f;
  y = choose(x == 0.0f, splat(-__builtin_inff()), y);
  return choose(x == __builtin_inff(), x, y);
}

INLINE vec logistic(vec x) { return 1.0f / (1.0f + exponential(-x)); }

INLINE vec hyperbolic_tangent(vec x) {
  vec z = x * x;
  vec p = splat(-5.70498872745e-3f);
  p = p * z + 2.06390887954e-2f;
  p = p * z + -5.37397155531e-2f;
  p = p * z + 1.33314422036e-1f;
  p = p * z + -3.33332819422e-1f;
  vec near = (p * z) * x + x;
  vec magnitude = magnitude_of(x);
  vec far = 1.0f - 2.0f / (exponential(2.0f * magnitude) + 1.0f);
  ivec sign = (ivec)x & SIGN;
  return choose(magnitude < 0.625f, near, (vec)((ivec)far | sign));
}

/* y = f(x), element by element. The last floats are computed one by one, each in every lane of a vector. */
#define MAP(f)                                                            \
  (const float *x, float *y, int floats) {                                \
    int i = 0;                                                            \
    for (; i + LANES <= floats; i += LANES) store(y + i, f(load(x + i))); \
    for (; i < floats; i++) y[i] = f(splat(x[i]))[0];                     \
  }

KERNEL(void, exp) MAP(exponential)
KERNEL(void, log) MAP(logarithm)
static void map_logistic MAP(logistic)
static void map_hyperbolic_tangent MAP(hyperbolic_tangent)
