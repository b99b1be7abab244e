/*
 * The vectors that all kernels compute with. `LANES` is the number of floats of a vector: 4, 8 or 16. It is set when the
 * kernels are compiled. It changes the speed of a kernel and never its result.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define INLINE static inline __attribute__((always_inline))
#define NOINLINE static __attribute__((noinline))

/*
 * An operation of ../kernels.ts. WebAssembly exports it: addresses are offsets in the memory, which begins at address 0.
 * For native code, calls.h makes a function for JavaScript of it.
 */
#if defined(__wasm__)
#define KERNEL(type, name) __attribute__((export_name(#name))) type kernel_##name
#else
#define KERNEL(type, name) static type kernel_##name
#endif

typedef float vec __attribute__((vector_size(4 * LANES)));
typedef int32_t ivec __attribute__((vector_size(4 * LANES)));
/* A vector at any address of floats. */
typedef vec unaligned_vec __attribute__((aligned(4), may_alias));

/* Vectors of 16 bytes, where the code depends on their size. */
typedef float vec4 __attribute__((vector_size(16)));
typedef int32_t ivec4 __attribute__((vector_size(16)));
typedef uint8_t bytes4 __attribute__((vector_size(4)));
typedef uint16_t words4 __attribute__((vector_size(8)));
typedef uint8_t bytes8 __attribute__((vector_size(8)));
typedef uint16_t words8 __attribute__((vector_size(16)));
typedef uint64_t pair __attribute__((vector_size(16)));
typedef ivec4 any_ivec4 __attribute__((aligned(4), may_alias));
typedef vec4 unaligned_vec4 __attribute__((aligned(4), may_alias));

typedef uint32_t any_uint32 __attribute__((may_alias, aligned(4)));
typedef uint64_t any_uint64 __attribute__((may_alias, aligned(1)));
typedef bytes4 any_bytes4 __attribute__((aligned(1), may_alias));
typedef words4 any_words4 __attribute__((aligned(1), may_alias));
typedef bytes8 any_bytes8 __attribute__((aligned(1), may_alias));
typedef words8 any_words8 __attribute__((aligned(1), may_alias));
/* Sixteen bytes at any address. */
typedef pair pair_at __attribute__((aligned(1), may_alias));

INLINE int min(int a, int b) { return a < b ? a : b; }

INLINE vec load(const float *at) { return *(const unaligned_vec *)at; }
INLINE void store(float *at, vec x) { *(unaligned_vec *)at = x; }
INLINE vec4 load4(const float *at) { return *(const unaligned_vec4 *)at; }
INLINE void store4(float *at, vec4 x) { *(unaligned_vec4 *)at = x; }

/*
 * Four lanes of a and b: lanes 0 to 3 are those of a, 4 to 7 those of b. The compilers have two names for it; gcc before
 * version 12 knows the other one alone.
 */
#if defined(__clang__) || __GNUC__ >= 12
#define SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define SHUFFLE(a, b, ...) __builtin_shuffle(a, b, (ivec4){__VA_ARGS__})
#endif

/* x in every lane. The difference of x and +0 is x, also for -0. */
INLINE vec splat(float x) { return x - (vec){0}; }
INLINE ivec isplat(int32_t x) { return x - (ivec){0}; }

/* a in the lanes in which `condition` is all ones, b in those in which it is all zeros. */
INLINE vec choose(ivec condition, vec a, vec b) { return (vec)((condition & (ivec)a) | (~condition & (ivec)b)); }

/* x in the lanes in which `condition` is all ones, +0 in the others. */
INLINE vec only(ivec condition, vec x) { return (vec)(condition & (ivec)x); }

/*
 * sum + a * b: the product is rounded, and then the sum. This is the one step of every dot product. The compiler may not
 * fuse the two operations (-ffp-contract=off).
 */
INLINE vec step(vec sum, vec a, vec b) { return sum + a * b; }

/* Stores the lanes from `first` on, each where the whole vector at `at` would have it. */
INLINE void store_from(float *at, vec x, int first) {
  if (first == 0) {
    store(at, x);
    return;
  }
#pragma GCC unroll 16
  for (int lane = 1; lane < LANES; lane++) {
    if (lane >= first) at[lane] = x[lane];
  }
}

/*
 * Keeps the compiler from moving the computation of x. V8 spills registers unless a loop computes its sums in the order
 * in which they are stored after it.
 */
#if defined(__wasm__)
#define PIN(x) __asm__ volatile("" : "+r"(x))
#define PIN_STORES() __asm__ volatile("" ::: "memory")
#else
#define PIN(x)
#define PIN_STORES()
#endif
