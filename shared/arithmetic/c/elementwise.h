/* Kernels whose speed depends on the memory: sums, the optimizer's update, checks, transposing. */
#ifndef ELEMENTWISE_H
#define ELEMENTWISE_H

#include "vector.h"

/* Floats that a loop of this file handles in one round, where it handles several vectors. */
#define STRIDE (LANES < 16 ? 16 : 2 * LANES)

static void add_floats(const float *a, const float *b, float *out, int floats) {
  const float *end = a + floats;
  for (; a + STRIDE <= end; a += STRIDE, b += STRIDE, out += STRIDE) {
    vec sums[STRIDE / LANES];
#pragma GCC unroll 4
    for (int n = 0; n < STRIDE / LANES; n++) sums[n] = load(a + n * LANES) + load(b + n * LANES);
#pragma GCC unroll 4
    for (int n = 0; n < STRIDE / LANES; n++) store(out + n * LANES, sums[n]);
  }
  for (; a < end; a++, b++, out++) *out = *a + *b;
}

/* The mean of a sum: `sum` divided by `n`, or multiplied by it if `n` is an inverse. */
INLINE vec mean(vec sum, float n, int is_inverse) { return is_inverse ? sum * n : sum / n; }

INLINE void sgd_momentum(float *w, float *v, const float *sum, int floats, float n, float rate, float momentum,
                         int is_inverse) {
  int i = 0;
  for (; i + LANES <= floats; i += LANES) {
    vec velocity = momentum * load(v + i) + mean(load(sum + i), n, is_inverse);
    store(v + i, velocity);
    store(w + i, load(w + i) - rate * velocity);
  }
  for (; i < floats; i++) {
    vec velocity = momentum * splat(v[i]) + mean(splat(sum[i]), n, is_inverse);
    v[i] = velocity[0];
    w[i] = (splat(w[i]) - rate * velocity)[0];
  }
}

/* Whether all bits of sixteen floats are 0. */
INLINE int all_zero(const float *at) {
  const any_uint64 *words = (const any_uint64 *)at;
  uint64_t bits = 0;
#pragma GCC unroll 8
  for (int n = 0; n < 8; n++) bits |= words[n];
  return bits == 0;
}

/*
 * The update without momentum. If sixteen consecutive sums are +0, their weights do not change and are not read. This
 * is common for weights of pixels at the edges of images.
 */
INLINE void sgd_plain(float *w, const float *sum, int floats, float n, float rate, int is_inverse) {
  int i = 0;
  for (; i + 16 <= floats; i += 16) {
    if (all_zero(sum + i)) continue;
#pragma GCC unroll 4
    for (int at = i; at < i + 16; at += LANES) {
      store(w + at, load(w + at) - rate * mean(load(sum + at), n, is_inverse));
    }
  }
  for (; i < floats; i++) w[i] = (splat(w[i]) - rate * mean(splat(sum[i]), n, is_inverse))[0];
}

static void update(float *w, float *v, const float *sum, int floats, float samples, float rate, float momentum) {
  float inverse = 1.0f / samples;
  union {
    float value;
    uint32_t bits;
  } exact = {samples};
  /* The inverse of a power of two is exact. A product with it is rounded like the quotient, and is faster. */
  int is_inverse = (exact.bits & 0x7fffff) == 0 && inverse >= 1.1754943508222875e-38f;
  if (momentum == 0) {
    if (is_inverse) sgd_plain(w, sum, floats, inverse, rate, 1);
    else sgd_plain(w, sum, floats, samples, rate, 0);
  } else {
    if (is_inverse) sgd_momentum(w, v, sum, floats, inverse, rate, momentum, 1);
    else sgd_momentum(w, v, sum, floats, samples, rate, momentum, 0);
  }
}

/* x * 0 is NaN if x is NaN or infinite, and a zero otherwise. So the sum of these products is zero if all are finite. */
static int all_finite(const float *x, int floats) {
  vec sums[4] = {{0}};
  const float *end = x + floats;
  for (; x + 4 * LANES <= end; x += 4 * LANES) {
#pragma GCC unroll 4
    for (int n = 0; n < 4; n++) sums[n] += load(x + n * LANES) * 0.0f;
  }
  vec sum = (sums[0] + sums[1]) + (sums[2] + sums[3]);
  float total = 0;
#pragma GCC unroll 16
  for (int lane = 0; lane < LANES; lane++) total += sum[lane];
  for (; x < end; x++) total += *x * 0.0f;
  return total == 0;
}

/* Floats of a block, as `changeBlockFloats` in ../kernels.ts. */
#define CHANGE_BLOCK 64

INLINE void changes_from(const any_uint32 *x, const any_uint32 *base, int floats, uint8_t *mask, int from_zero) {
  uint32_t bits = 0;
  uint32_t bit = 1;
  for (; floats > 0; floats -= CHANGE_BLOCK, x += CHANGE_BLOCK, base += CHANGE_BLOCK) {
    uint32_t difference = 0;
    if (floats >= CHANGE_BLOCK) {
      for (int i = 0; i < CHANGE_BLOCK; i++) difference |= from_zero ? x[i] : x[i] ^ base[i];
    } else {
      for (int i = 0; i < floats; i++) difference |= from_zero ? x[i] : x[i] ^ base[i];
    }
    if (difference) bits |= bit;
    bit <<= 1;
    if (bit < 256) continue;
    *mask++ = (uint8_t)bits;
    bits = 0;
    bit = 1;
  }
  if (bit > 1) *mask = (uint8_t)bits;
}

/* to[j][i] = from[i][j], for a block of four by four floats. */
INLINE void transpose_block(const float *from, size_t row, float *to, size_t column) {
  vec4 a = load4(from), b = load4(from + row), c = load4(from + 2 * row), d = load4(from + 3 * row);
  vec4 ab0 = SHUFFLE(a, b, 0, 4, 1, 5), ab2 = SHUFFLE(a, b, 2, 6, 3, 7);
  vec4 cd0 = SHUFFLE(c, d, 0, 4, 1, 5), cd2 = SHUFFLE(c, d, 2, 6, 3, 7);
  store4(to, SHUFFLE(ab0, cd0, 0, 1, 4, 5));
  store4(to + column, SHUFFLE(ab0, cd0, 2, 3, 6, 7));
  store4(to + 2 * column, SHUFFLE(ab2, cd2, 0, 1, 4, 5));
  store4(to + 3 * column, SHUFFLE(ab2, cd2, 2, 3, 6, 7));
}

INLINE void transpose_edge(const float *from, size_t row, int rows, int first, int columns, float *to, size_t column) {
  for (int o = first; o < columns; o++) {
    for (int r = 0; r < rows; r++) to[o * column + r] = from[r * row + o];
  }
}

/* Transposes a band in blocks of four by four floats. The floats at the edges that fill no block are copied singly. */
static void transpose_band(const float *from, int inputs, size_t row, int columns, float *to) {
  size_t column = inputs;
  int whole = columns & ~3;
  int i = 0;
  for (; i + 4 <= inputs; i += 4, from += 4 * row, to += 4) {
    for (int o = 0; o < whole; o += 4) transpose_block(from + o, row, to + o * column, column);
    transpose_edge(from, row, 4, whole, columns, to, column);
  }
  transpose_edge(from, row, inputs - i, 0, columns, to, column);
}

/* Transposes W in bands of sixteen columns. A band uses one cache line of each row, so each line is read once. */
static void transpose_matrix(const float *w, int inputs, int outputs, float *wT) {
  for (int o = 0; o < outputs; o += 16) {
    transpose_band(w + o, inputs, outputs, min(16, outputs - o), wT + (size_t)o * inputs);
  }
}

#endif
