/* Kernels whose speed depends on the memory: sums, the optimizer's update, checks, transposing. */
#pragma once

#include "vector.h"

KERNEL(void, add)(const float *a, const float *b, float *out, int floats) {
  const float *end = a + floats;
  for (; a + 4 * LANES <= end; a += 4 * LANES, b += 4 * LANES, out += 4 * LANES) {
#pragma GCC unroll 4
    for (int at = 0; at < 4 * LANES; at += LANES) store(out + at, load(a + at) + load(b + at));
  }
  for (; a < end; a++, b++, out++) *out = *a + *b;
}

/* Whether all bits of sixteen floats are 0. */
INLINE int all_zero(const float *at) {
  const any_uint64 *words = (const any_uint64 *)at;
  uint64_t bits = 0;
#pragma GCC unroll 8
  for (int n = 0; n < 8; n++) bits |= words[n];
  return bits == 0;
}

/* The new weights. `v` is not read or changed if there is no momentum. The mean is sum / n, or sum * n for an inverse. */
INLINE vec sgd_step(vec w, vec *v, vec sum, float n, float rate, float momentum, int is_inverse, int is_plain) {
  vec mean = is_inverse ? sum * n : sum / n;
  if (is_plain) return w - rate * mean;
  *v = momentum * *v + mean;
  return w - rate * *v;
}

/*
 * Without momentum, sixteen weights whose sums are +0 do not change and are not read. This is common for weights of
 * pixels at the edges of images.
 */
INLINE void sgd(float *w, float *v, const float *sum, int floats, float n, float rate, float momentum, int is_inverse,
                int is_plain) {
  int i = 0;
  for (; i + 16 <= floats; i += 16) {
    if (is_plain && all_zero(sum + i)) continue;
#pragma GCC unroll 4
    for (int at = i; at < i + 16; at += LANES) {
      vec velocity = is_plain ? splat(0) : load(v + at);
      store(w + at, sgd_step(load(w + at), &velocity, load(sum + at), n, rate, momentum, is_inverse, is_plain));
      if (!is_plain) store(v + at, velocity);
    }
  }
  for (; i < floats; i++) {
    vec velocity = is_plain ? splat(0) : splat(v[i]);
    w[i] = sgd_step(splat(w[i]), &velocity, splat(sum[i]), n, rate, momentum, is_inverse, is_plain)[0];
    if (!is_plain) v[i] = velocity[0];
  }
}

INLINE vec shaped_step(vec w, vec *v, vec sum, float n, float rate, float momentum, float factor, float decay,
                       int is_nesterov) {
  vec g = (sum / n) * factor;
  if (decay != 0) g = g + decay * w;
  if (momentum != 0) {
    *v = momentum * *v + g;
    g = is_nesterov ? g + momentum * *v : *v;
  }
  return w - rate * g;
}

/* The same with a factor, a decay, or Nesterov's step. Without momentum, `v` gets what it has. */
static void shaped_sgd(float *w, float *v, const float *sum, int floats, float n, float rate, float momentum,
                       float factor, float decay, int is_nesterov) {
  int i = 0;
  for (; i + LANES <= floats; i += LANES) {
    vec velocity = load(v + i);
    store(w + i, shaped_step(load(w + i), &velocity, load(sum + i), n, rate, momentum, factor, decay, is_nesterov));
    store(v + i, velocity);
  }
  for (; i < floats; i++) {
    vec velocity = splat(v[i]);
    w[i] = shaped_step(splat(w[i]), &velocity, splat(sum[i]), n, rate, momentum, factor, decay, is_nesterov)[0];
    v[i] = velocity[0];
  }
}

KERNEL(void, sgd)(float *w, float *v, const float *sum, int floats, float samples, float rate, float momentum,
                  float factor, float decay, int is_nesterov) {
  if (factor != 1 || decay != 0 || is_nesterov) {
    shaped_sgd(w, v, sum, floats, samples, rate, momentum, factor, decay, is_nesterov);
    return;
  }
  float inverse = 1.0f / samples;
  /* The inverse of a power of two is exact. A product with it is rounded like the quotient, and is faster. */
  int is_inverse = (((ivec)splat(samples))[0] & 0x7fffff) == 0 && inverse >= 1.1754943508222875e-38f;
  if (momentum == 0) {
    if (is_inverse) sgd(w, v, sum, floats, inverse, rate, 0, 1, 1);
    else sgd(w, v, sum, floats, samples, rate, 0, 0, 1);
  } else {
    if (is_inverse) sgd(w, v, sum, floats, inverse, rate, momentum, 1, 0);
    else sgd(w, v, sum, floats, samples, rate, momentum, 0, 0);
  }
}

/* x * 0 is NaN if x is NaN or infinite, and a zero otherwise. So the sum of these products is zero if all are finite. */
KERNEL(int, allFinite)(const float *x, int floats) {
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

/* Whether any bit of x differs from that of `base`, or from 0 if there is no base. */
INLINE int differs(const float *x, const float *base, int floats) {
  ivec difference = isplat(0);
  int i = 0;
  for (; i + LANES <= floats; i += LANES) {
    difference |= base ? (ivec)load(x + i) ^ (ivec)load(base + i) : (ivec)load(x + i);
  }
  uint32_t bits = 0;
#pragma GCC unroll 16
  for (int lane = 0; lane < LANES; lane++) bits |= (uint32_t)difference[lane];
  for (; i < floats; i++) bits |= ((const any_uint32 *)x)[i] ^ (base ? ((const any_uint32 *)base)[i] : 0);
  return bits != 0;
}

KERNEL(void, changes)(const float *x, const float *base, int floats, uint8_t *mask) {
  for (int block = 0; floats > 0; block++, x += CHANGE_BLOCK, floats -= CHANGE_BLOCK) {
    int changed = floats < CHANGE_BLOCK ? differs(x, base, floats) : differs(x, base, CHANGE_BLOCK);
    if (base) base += CHANGE_BLOCK;
    mask[block / 8] = (uint8_t)((block % 8 ? mask[block / 8] : 0) | changed << block % 8);
  }
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

/*
 * Transposes in blocks of four by four floats. `row` and `column` are the distances of rows in `from` and of columns in
 * `to`. The floats at the edges that fill no block are copied singly.
 */
static void transpose_band(const float *from, int rows, size_t row, int columns, float *to, size_t column) {
  int whole = columns & ~3;
  for (; rows >= 4; rows -= 4, from += 4 * row, to += 4) {
    for (int o = 0; o < whole; o += 4) transpose_block(from + o, row, to + o * column, column);
    transpose_edge(from, row, 4, whole, columns, to, column);
  }
  transpose_edge(from, row, rows, 0, columns, to, column);
}

/* A band of sixteen columns uses one cache line of each row, so each line is read once. */
KERNEL(void, transpose)(const float *w, int inputs, int outputs, float *wT) {
  for (int o = 0; o < outputs; o += 16) {
    transpose_band(w + o, inputs, outputs, min(16, outputs - o), wT + (size_t)o * inputs, inputs);
  }
}
