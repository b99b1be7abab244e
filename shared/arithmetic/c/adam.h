/* The update of Adam and of AdamW: ../kernels.ts has the formulas. */
#pragma once

#include "vector.h"

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

/* The root of every lane, correctly rounded. Compilers have no common name for it. */
INLINE vec square_root(vec x) {
#if defined(__wasm__)
  return __builtin_elementwise_sqrt(x);
#elif defined(__x86_64__) && LANES == 4
  return (vec)_mm_sqrt_ps((__m128)x);
#elif defined(__x86_64__) && LANES == 8
  return (vec)_mm256_sqrt_ps((__m256)x);
#elif defined(__x86_64__)
  return (vec)_mm512_sqrt_ps((__m512)x);
#elif defined(__aarch64__)
  return (vec)vsqrtq_f32((float32x4_t)x);
#else
#error "the root of a vector is not known for this processor"
#endif
}

/* The new weights. The mean gradient is m, and the mean square v. */
INLINE vec adam_step(vec w, vec *m, vec *v, vec sum, float n, float factor, float beta1, float beta2, float epsilon,
                     float size, float scale, float kept) {
  vec g = (sum / n) * factor;
  *m = beta1 * *m + (1.0f - beta1) * g;
  *v = beta2 * *v + ((1.0f - beta2) * g) * g;
  return kept * w - size * (*m / (square_root(*v) * scale + epsilon));
}

KERNEL(void, adam)(float *w, float *m, float *v, const float *sum, int floats, float samples, float factor,
                   float beta1, float beta2, float epsilon, float size, float scale, float kept) {
  int i = 0;
  for (; i + LANES <= floats; i += LANES) {
    vec mean = load(m + i), square = load(v + i);
    store(w + i, adam_step(load(w + i), &mean, &square, load(sum + i), samples, factor, beta1, beta2, epsilon, size,
                           scale, kept));
    store(m + i, mean);
    store(v + i, square);
  }
  for (; i < floats; i++) {
    vec mean = splat(m[i]), square = splat(v[i]);
    w[i] = adam_step(splat(w[i]), &mean, &square, splat(sum[i]), samples, factor, beta1, beta2, epsilon, size, scale,
                     kept)[0];
    m[i] = mean[0];
    v[i] = square[0];
  }
}
