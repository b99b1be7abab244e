/*
 * Products with a dense left operand A. B is packed in panels of one or more vectors of columns: for each k, a panel's
 * part of row k is contiguous. A is read where it is, or is packed too.
 *
 * The sums of a tile stay in registers. A tile has so many sums that an addition has been completed when the next one to
 * the same sum begins. The vectors of B, the factor and the product need registers as well.
 */
#pragma once

#include "vector.h"

/* How a product writes its sums to C: over what is there, added to it, or continuing the sums that are there. */
enum mode { STORE, ACCUMULATE, CONTINUE };

/* The largest number of vectors of a panel, and of items of a tile with so many vectors: by the number of registers. */
#if LANES == 16 || defined(__aarch64__)
#define PANEL_VECTORS 4
#define TILE_ITEMS(v) ((v) > 2 ? 6 : 8)
#elif LANES == 8
#define PANEL_VECTORS 2
#define TILE_ITEMS(v) ((v) > 1 ? 6 : 8)
#else
#define PANEL_VECTORS 2
#define TILE_ITEMS(v) 4
#endif
#define TILE_ITEMS_MAX 8
#define PANEL_COLUMNS (PANEL_VECTORS * LANES)

/*
 * How the left operand A is read: its items are rows or columns of a matrix, or packed tiles. Entry k of item i of a packed
 * tile is at k * PACKED_ROW + i, and tiles follow each other. In WebAssembly, A is always packed: V8 computes addresses
 * well if they differ by constants.
 */
enum source { FROM_ROWS, FROM_COLUMNS, FROM_TILES };

/* Inner indices of a block whose items are rows, and the items of A that are packed together. */
#if defined(__wasm__)
#define DENSE_DEPTH 128
#define PACKED_ITEMS 64
#define ALWAYS_PACKED 1
#else
#define DENSE_DEPTH 256
#define PACKED_ITEMS 96
#define ALWAYS_PACKED 0
#endif
#define PACKED_ROW (TILE_ITEMS(PANEL_VECTORS) > 4 ? 8 : 4)

/* One inner index of a tile: adds the products of h entries of A, `item` floats apart, with v vectors of B. */
INLINE void tile_step(const int h, const int v, vec s[TILE_ITEMS_MAX][PANEL_VECTORS], const float *a, size_t item,
                      const float *b) {
  vec row[PANEL_VECTORS];
#pragma GCC unroll 4
  for (int n = 0; n < v; n++) row[n] = load(b + n * LANES);
#pragma GCC unroll 8
  for (int i = 0; i < h; i++) {
    vec factor = splat(a[i * item]);
#pragma GCC unroll 4
    for (int n = 0; n < v; n++) {
      s[i][n] = step(s[i][n], factor, row[n]);
      PIN(s[i][n]);
    }
  }
}

INLINE void begin_tile(const int h, const int v, vec s[TILE_ITEMS_MAX][PANEL_VECTORS], const float *c, size_t width,
                       int mode) {
#pragma GCC unroll 8
  for (int i = 0; i < h; i++) {
#pragma GCC unroll 4
    for (int n = 0; n < v; n++) s[i][n] = mode == CONTINUE ? load(c + i * width + n * LANES) : splat(0);
  }
}

INLINE void end_tile(const int h, const int v, vec s[TILE_ITEMS_MAX][PANEL_VECTORS], float *c, size_t width, int mode) {
#pragma GCC unroll 8
  for (int i = 0; i < h; i++) {
#pragma GCC unroll 4
    for (int n = 0; n < v; n++) {
      float *at = c + i * width + n * LANES;
      store(at, mode == ACCUMULATE ? load(at) + s[i][n] : s[i][n]);
      PIN_STORES();
    }
  }
}

/*
 * One tile of `h` items with one panel of `v` vectors. Entry k of item i of A is at a + i * item + k * deep. h, v and one
 * of the two distances are constants at every place into which this is inlined.
 */
INLINE void tile(const int h, const int v, const float *a, size_t item, size_t deep, const float *b, int depth, float *c,
                 size_t width, int mode) {
  vec s[TILE_ITEMS_MAX][PANEL_VECTORS];
  begin_tile(h, v, s, c, width, mode);
  const float *end = b + (size_t)depth * v * LANES;
#pragma GCC unroll 1
  for (; b < end; a += deep, b += v * LANES) tile_step(h, v, s, a, item, b);
  end_tile(h, v, s, c, width, mode);
}

/* The distance of two tiles of A of h items. */
INLINE size_t items_apart(enum source source, int h, size_t row, int depth) {
  if (ALWAYS_PACKED || source == FROM_TILES) return (size_t)depth * PACKED_ROW;
  return source == FROM_ROWS ? h * row : (size_t)h;
}

#define TILES_PARAMETERS                                                                                         \
  enum source source, const float *a, size_t row, const float *b, int depth, int count, float *c, size_t width, int mode
#define TILES_ARGUMENTS source, a, row, b, depth, count, c, width, mode

/* `count` tiles. `row` is the length of a row of A, if A is a matrix. */
INLINE void tiles(const int h, const int v, TILES_PARAMETERS) {
  for (; count > 0; count--, c += h * width) {
    if (ALWAYS_PACKED || source == FROM_TILES) tile(h, v, a, 1, PACKED_ROW, b, depth, c, width, mode);
    else if (source == FROM_ROWS) tile(h, v, a, row, 1, b, depth, c, width, mode);
    else tile(h, v, a, 1, row, b, depth, c, width, mode);
    a += items_apart(source, h, row, depth);
  }
}

#define TILES(h, v) \
  NOINLINE void tiles_##h##x##v(TILES_PARAMETERS) { tiles(h, v, TILES_ARGUMENTS); }
#define TILES_CALL(h, v) \
  case 8 * v + h: return tiles_##h##x##v(TILES_ARGUMENTS);

#define TO_4_ITEMS(DO, v) DO(1, v) DO(2, v) DO(3, v) DO(4, v)
#define TO_6_ITEMS(DO, v) TO_4_ITEMS(DO, v) DO(5, v) DO(6, v)
#define TO_8_ITEMS(DO, v) TO_6_ITEMS(DO, v) DO(7, v) DO(8, v)
#if PANEL_VECTORS == 4
#define EACH_TILE(DO) TO_8_ITEMS(DO, 1) TO_8_ITEMS(DO, 2) TO_6_ITEMS(DO, 3) TO_6_ITEMS(DO, 4)
#elif LANES == 8
#define EACH_TILE(DO) TO_8_ITEMS(DO, 1) TO_6_ITEMS(DO, 2)
#else
#define EACH_TILE(DO) TO_4_ITEMS(DO, 1) TO_4_ITEMS(DO, 2)
#endif

EACH_TILE(TILES)

static void tiles_of_size(int h, int v, TILES_PARAMETERS) {
  switch (8 * v + h) { EACH_TILE(TILES_CALL) }
}

/*
 * The number of tiles of at most `most` items. The heights of the tiles differ by at most one, and the taller tiles come
 * first. Packed tiles are the same for every panel.
 */
INLINE int tiles_of(int items, int most) { return (items + most - 1) / most; }

/* All tiles of `items` items with one panel. */
static void dense_panel(int v, enum source source, const float *a, size_t row, const float *b, int depth, int items,
                        float *c, size_t width, int mode) {
  int tiles = tiles_of(items, source == FROM_TILES ? TILE_ITEMS(PANEL_VECTORS) : TILE_ITEMS(v));
  int h = items / tiles;
  int taller = items % tiles;
  for (int pass = 0; pass < 2; pass++) {
    int height = pass ? h : h + 1;
    int count = pass ? tiles - taller : taller;
    tiles_of_size(height, v, source, a, row, b, depth, count, c, width, mode);
    a += count * items_apart(source, height, row, depth);
    c += (size_t)height * count * width;
  }
}
