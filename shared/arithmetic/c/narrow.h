/*
 * Products of a first layer whose row of outputs fits into the registers. The loops go through the lists of the samples'
 * non-zeros (samples.h), sample by sample. They need no other lists and no packing.
 *
 * If the number of outputs is not a multiple of the lanes, the last vector of a row begins `back` floats early. It
 * computes some columns of the vector before it again, and stores only its own. If the row is shorter than a vector, the
 * vector reads floats in front of the row and ignores them.
 */
#pragma once

#include "samples.h"
#include "vector.h"

/* The widest row. Its sums or deltas stay in registers, which also have space for the products. */
#define NARROW_COLUMNS 16
#define NARROW_VECTORS (NARROW_COLUMNS / LANES)

/* Where vector v of n begins in a row. */
INLINE int narrow_at(int v, int n, int back) { return v * LANES - (v == n - 1 ? back : 0); }

#define FORWARD_PARAMETERS const struct packed *packed, int rows, int inputs, const float *w, int outputs, float *y
#define FORWARD_ARGUMENTS packed, rows, inputs, w, outputs, y
#define GRADIENT_PARAMETERS \
  const struct packed *packed, int rows, int inputs, const float *delta, int outputs, float *gw, int accumulate, float *sums
#define GRADIENT_ARGUMENTS packed, rows, inputs, delta, outputs, gw, accumulate, sums

/* y = x W with rows of n vectors. n is a constant at every place into which this is inlined. */
INLINE void narrow_forward_of(const int n, FORWARD_PARAMETERS) {
  int back = n * LANES - outputs;
  int header = bounds_of(inputs);
  const uint8_t *bytes = packed_bytes(packed);
  const uint16_t *places = packed_places(packed);
  const any_uint32 *bounds = packed_bounds(packed);
  for (int r = 0; r < rows; r++, bounds += header, y += outputs) {
    vec s[NARROW_VECTORS];
#pragma GCC unroll 4
    for (int v = 0; v < n; v++) s[v] = splat(0);
    const uint8_t *byte = bytes + bounds[0], *end = bytes + bounds[header - 1];
    for (const uint16_t *place = places + bounds[0]; byte < end; byte++, place++) {
      const float *row = w + (size_t)*place * outputs;
      vec factor = splat(packed->values[*byte]);
#pragma GCC unroll 4
      for (int v = 0; v < n; v++) s[v] = step(s[v], factor, load(row + narrow_at(v, n, back)));
    }
#pragma GCC unroll 4
    for (int v = 0; v < n; v++) store_from(y + narrow_at(v, n, back), s[v], v == n - 1 ? back : 0);
  }
}

/*
 * sums = x^T delta. Every sample adds to the rows of its non-zero pixels, so each sum goes through the samples in
 * ascending order. The sums have n vectors for each input. They are stored or added to gw at the end.
 */
INLINE void narrow_gradient_of(const int n, GRADIENT_PARAMETERS) {
  int back = n * LANES - outputs;
  int header = bounds_of(inputs);
  const uint8_t *bytes = packed_bytes(packed);
  const uint16_t *places = packed_places(packed);
  const any_uint32 *bounds = packed_bounds(packed);
  for (int i = 0; i < inputs * n; i++) store(sums + i * LANES, splat(0));
  for (int r = 0; r < rows; r++, bounds += header, delta += outputs) {
    vec d[NARROW_VECTORS];
#pragma GCC unroll 4
    for (int v = 0; v < n; v++) d[v] = load(delta + narrow_at(v, n, back));
    const uint8_t *byte = bytes + bounds[0], *end = bytes + bounds[header - 1];
    for (const uint16_t *place = places + bounds[0]; byte < end; byte++, place++) {
      float *sum = sums + (size_t)*place * (n * LANES);
      vec factor = splat(packed->values[*byte]);
#pragma GCC unroll 4
      for (int v = 0; v < n; v++) store(sum + v * LANES, step(load(sum + v * LANES), factor, d[v]));
    }
  }
  for (int i = 0; i < inputs; i++, gw += outputs, sums += n * LANES) {
#pragma GCC unroll 4
    for (int v = 0; v < n; v++) {
      float *at = gw + narrow_at(v, n, back);
      vec sum = load(sums + v * LANES);
      store_from(at, accumulate ? load(at) + sum : sum, v == n - 1 ? back : 0);
    }
  }
}

#if LANES == 4
#define EACH_NARROW(DO) DO(1) DO(2) DO(3) DO(4)
#elif LANES == 8
#define EACH_NARROW(DO) DO(1) DO(2)
#else
#define EACH_NARROW(DO) DO(1)
#endif

#define NARROW(n)                                                                                  \
  NOINLINE void narrow_forward_##n(FORWARD_PARAMETERS) { narrow_forward_of(n, FORWARD_ARGUMENTS); } \
  NOINLINE void narrow_gradient_##n(GRADIENT_PARAMETERS) { narrow_gradient_of(n, GRADIENT_ARGUMENTS); }
#define FORWARD_CALL(n) \
  case n: return narrow_forward_##n(FORWARD_ARGUMENTS);
#define GRADIENT_CALL(n) \
  case n: return narrow_gradient_##n(GRADIENT_ARGUMENTS);

EACH_NARROW(NARROW)

/* y = x W for listed samples, with at most `NARROW_COLUMNS` outputs. */
static void narrow_forward(FORWARD_PARAMETERS) {
  switch ((outputs + LANES - 1) / LANES) { EACH_NARROW(FORWARD_CALL) }
}

/* gw = x^T delta. `sums` is scratch space: for each input, the vectors of its row. */
static void narrow_gradient(GRADIENT_PARAMETERS) {
  switch ((outputs + LANES - 1) / LANES) { EACH_NARROW(GRADIENT_CALL) }
}
