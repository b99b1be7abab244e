/*
 * Products with a sparse left operand. Each item of C is a sum of rows of B, one row for each non-zero in the item's
 * list.
 *
 * C[item, columns] = sum over the list's entries of value * B[row, columns], in the order of the list, which is
 * ascending. The sums of a panel's vectors stay in registers during the loop over the list. Skipping a zero changes no
 * bit (see ../kernels.ts).
 */
#pragma once

#include "dense.h"

/* An entry of a list: the factor, and the place of a row of B, in bytes from the first one. */
struct entry {
  float value;
  uint32_t offset;
};

/* A list: its first entry, and the entry behind its last. */
struct list {
  struct entry *first;
  struct entry *end;
};

/* The most vectors of a panel. */
#define WIDEST_PANEL 13

/*
 * The number of vectors of the next panel, if `left` vectors remain. In WebAssembly, V8 compiles loops over up to seven
 * vectors well, and loops over twelve or thirteen. Between these sizes, it unrolls the loop and spills registers.
 */
static int panel_vectors(int left) {
#if defined(__wasm__)
  if (left <= 7) return left;
  if (left <= 11) return (left + 1) / 2;
  return left > 12 * ((left + 12) / 13) ? 13 : 12;
#elif LANES == 16
  int panels = (left + 7) / 8;
  return (left + panels - 1) / panels;
#else
  int panels = (left + 12) / 13;
  return (left + panels - 1) / panels;
#endif
}

/* Stores the sums of a panel, or adds them to C. */
INLINE void store_sums(const int n, const vec s[WIDEST_PANEL], float *c, int back, const int adds) {
  store_from(c, adds ? load(c) + s[0] : s[0], back);
  PIN_STORES();
#pragma GCC unroll 13
  for (int v = 1; v < n; v++) {
    store(c + v * LANES, adds ? load(c + v * LANES) + s[v] : s[v]);
    PIN_STORES();
  }
}

#define PANEL_PARAMETERS \
  const struct list *lists, int items, const float *b, float *c, size_t width, int back, int mode
#define PANEL_ARGUMENTS lists, items, b, c, width, back, mode

/*
 * Computes one panel of `n` vectors for every list. n is a constant at every place into which this is inlined. If the
 * number of columns is not a multiple of the lanes, b and c of the last panel point `back` floats before its first
 * column. Its first vector then also computes what is in front of the panel. It stores only the panel's own columns, so
 * nothing outside the panel is changed.
 */
INLINE void sparse(const int n, PANEL_PARAMETERS) {
  for (; items > 0; items--, lists++, c += width) {
    const struct entry *entry = lists->first;
    const struct entry *end = lists->end;
    if (entry == end && mode != STORE) continue;
    vec s[WIDEST_PANEL];
#pragma GCC unroll 13
    for (int v = 0; v < n; v++) s[v] = splat(0);
    if (mode == CONTINUE) {
#pragma GCC unroll 13
      for (int v = 0; v < n; v++) s[v] = load(c + v * LANES);
    }
    for (; entry < end; entry++) {
      const float *row = (const float *)((const char *)b + entry->offset);
      vec factor = splat(entry->value);
#pragma GCC unroll 13
      for (int v = 0; v < n; v++) s[v] = step(s[v], factor, load(row + v * LANES));
    }
    if (mode == ACCUMULATE) store_sums(n, s, c, back, 1);
    else store_sums(n, s, c, back, 0);
  }
}

#define SPARSE_PANEL(n) \
  NOINLINE void sparse_##n(PANEL_PARAMETERS) { sparse(n, PANEL_ARGUMENTS); }
#define SPARSE_CALL(n) \
  case n: return sparse_##n(PANEL_ARGUMENTS);

#if defined(__wasm__)
#define EACH_PANEL(DO) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7) DO(12) DO(13)
#elif LANES == 16
#define EACH_PANEL(DO) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7) DO(8)
#else
#define EACH_PANEL(DO) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7) DO(8) DO(9) DO(10) DO(11) DO(12) DO(13)
#endif

EACH_PANEL(SPARSE_PANEL)

/* Computes one panel of `n` vectors. n is a result of `panel_vectors`. */
static void sparse_panel(int n, PANEL_PARAMETERS) {
  switch (n) { EACH_PANEL(SPARSE_CALL) }
}
