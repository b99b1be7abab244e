/*
 * C = A B, for the three products of a dense layer. The product is divided into blocks that fit into the caches. If A
 * has enough zeros, the blocks use lists of its non-zeros. Otherwise they use tiles. Both ways compute the same bits,
 * because each sum starts from +0 and goes through the inner index in ascending order.
 */
#pragma once

#include "elementwise.h"
#include "lists.h"

/*
 * The items of a product's left operand A: rows or columns of a matrix, packed samples, or the pixels of packed samples.
 * `row` is the length of a row of the matrix in floats, or the number of bounds of a sample.
 */
enum left { ROWS, COLUMNS, SAMPLES, PIXELS };

/* Columns of C that are computed together. Their packed block of B stays in the second cache. */
#define GROUP_COLUMNS 1024
/* Inner indices of a block of lists. A panel of B of this depth stays in the first cache. */
#define SPARSE_DEPTH (LANES == 4 ? 128 : 64)
/* Items of a block of lists. */
#define SPARSE_ITEMS 64
/* Unused space at the end of a list, in entries: see `spread` in lists.h. */
#define SPREAD_ENTRIES 16
/* Unused columns that a packed block of B may have, because the rows of all its panels have the same length. */
#define PADDING_COLUMNS (24 * LANES)
/* Rows of B up to this length need no packing: they are spread over the cache well enough. */
#define UNPACKED_COLUMNS 128
/* With fewer items, packing costs more time than it saves. */
#define FEW_ITEMS 16
/* With up to this many columns, making an entry of a list costs more time than the products with it. */
#define FEW_COLUMNS 16

INLINE int vectors_of(int columns) { return (columns + LANES - 1) / LANES; }

INLINE float *aligned(float *at) { return (float *)(((uintptr_t)at + 63) & ~(uintptr_t)63); }

INLINE void copy_columns(const float *from, size_t from_row, float *to, size_t to_row, int rows, int columns) {
  for (; rows > 0; rows--, from += from_row, to += to_row) {
    int j = 0;
#pragma GCC unroll 4
    for (; j + LANES <= columns; j += LANES) store(to + j, load(from + j));
    for (; j < columns; j++) to[j] = from[j];
  }
}

/* Copies B into panels. Zeros pad the last one. */
static void pack_dense(const float *b, size_t row, int depth, int columns, float *packed) {
  for (; columns >= PANEL_COLUMNS; columns -= PANEL_COLUMNS, b += PANEL_COLUMNS, packed += depth * PANEL_COLUMNS) {
    copy_columns(b, row, packed, PANEL_COLUMNS, depth, PANEL_COLUMNS);
  }
  int padded = vectors_of(columns) * LANES;
  if (padded > columns) for (int k = 1; k <= depth; k++) store(packed + k * padded - LANES, splat(0));
  copy_columns(b, row, packed, padded, depth, columns);
}

/* Copies `depth` entries of the items, tile by tile. What is copied beyond the items of a tile is not used. */
static void pack_tiles(int by_rows, const float *a, size_t row, int items, int depth, float *packed) {
  int tiles = tiles_of(items, TILE_ITEMS(PANEL_VECTORS));
  for (int t = 0; t < tiles; t++, packed += (size_t)depth * PACKED_ROW) {
    int h = items / tiles + (t < items % tiles);
    if (by_rows) transpose_band(a, h, row, depth, packed, PACKED_ROW);
    for (int k = by_rows ? depth : 0; k < depth; k++) {
#pragma GCC unroll 2
      for (int i = 0; i < PACKED_ROW; i += 4) store4(packed + k * PACKED_ROW + i, load4(a + k * row + i));
    }
    a += by_rows ? h * row : (size_t)h;
  }
}

/* Computes a block with tiles. A panel that is wider than what is left of C is computed in the scratch and copied. */
static void dense_block(int by_rows, const float *a, size_t row, int items, int depth, const float *b, size_t width,
                        int columns, float *c, int mode, float *scratch) {
  float *edge = aligned(scratch);
  float *packed_a = edge + PACKED_ITEMS * PANEL_COLUMNS;
  int packs_a = ALWAYS_PACKED || (!by_rows && columns > PANEL_COLUMNS);
  enum source source = packs_a ? FROM_TILES : by_rows ? FROM_ROWS : FROM_COLUMNS;
  float *packed = packed_a + (packs_a ? (size_t)tiles_of(PACKED_ITEMS, TILE_ITEMS(PANEL_VECTORS)) * PACKED_ROW * depth : 0);
  pack_dense(b, width, depth, columns, packed);
  for (int i = 0; i < items; i += PACKED_ITEMS, c += PACKED_ITEMS * width) {
    int some = min(PACKED_ITEMS, items - i);
    const float *from = a + (by_rows ? i * row : (size_t)i);
    if (packs_a) {
      pack_tiles(by_rows, from, row, some, depth, packed_a);
      from = packed_a;
    }
    const float *panel = packed;
    for (int column = 0; column < columns; column += PANEL_COLUMNS) {
      int wide = min(PANEL_COLUMNS, columns - column);
      int v = vectors_of(wide);
      float *at = c + column;
      if (wide == v * LANES) dense_panel(v, source, from, row, panel, depth, some, at, width, mode);
      else {
        if (mode != STORE) copy_columns(at, width, edge, PANEL_COLUMNS, some, wide);
        dense_panel(v, source, from, row, panel, depth, some, edge, PANEL_COLUMNS, mode);
        copy_columns(edge, PANEL_COLUMNS, at, width, some, wide);
      }
      panel += (size_t)v * LANES * depth;
    }
  }
}

/*
 * Copies B so that the columns of each panel are contiguous, as `sparse_panel` reads them. The rows of all panels are as
 * long as those of the first panel. B is read row by row, because processors prefetch such reads. Most panels of a wide
 * matrix are of the widest kind, and a loop of a known length copies those faster.
 */
static void pack_sparse(const float *b, size_t row, int depth, int columns, float *packed, int packed_row) {
  int vectors = vectors_of(columns);
  int missing = vectors * LANES - columns;
  for (int k = 0; k < depth; k++, b += row, packed += packed_row) {
    const float *from = b;
    float *to = packed;
    for (int left = vectors; left > 0; to += (size_t)depth * packed_row) {
      int n = panel_vectors(left);
      left -= n;
      const float *first = left ? from : from - missing;
      if (n == WIDEST_PANEL) {
#pragma GCC unroll 13
        for (int v = 0; v < WIDEST_PANEL; v++) store(to + v * LANES, load(first + v * LANES));
      } else {
#pragma GCC unroll 4
        for (int v = 0; v < n; v++) store(to + v * LANES, load(first + v * LANES));
      }
      from += n * LANES;
    }
  }
}

/* Runs all panels of a block. Packed panels of B are `panel` floats apart. If B is not packed, `panel` is 0. */
static void sparse_panels(const struct list *lists, int items, const float *b, size_t panel, int columns,
                          float *c, size_t width, int mode) {
  int left = vectors_of(columns);
  int missing = left * LANES - columns;
  while (left > 0) {
    int n = panel_vectors(left);
    left -= n;
    int back = left ? 0 : missing;
    sparse_panel(n, lists, items, panel ? b : b - back, c - back, width, back, mode);
    b += panel ? panel : (size_t)(n * LANES);
    c += n * LANES;
  }
}

/* Makes the lists of `items` items of A, beginning with item i, for the inner indices from k on. */
static void make_lists(enum left left, const void *a, size_t row, int i, int items, int k, int depth, int row_bytes,
                       struct list *lists, struct entry *entries) {
  const float *matrix = a;
  const struct packed *packed = a;
  switch (left) {
    case ROWS: list_rows(matrix + i * row + k, row, items, depth, row_bytes, lists, entries); break;
    case COLUMNS: list_columns(matrix + k * row + i, row, items, depth, row_bytes, lists, entries); break;
    case SAMPLES: list_samples(packed, (int)row, i, items, k, depth, row_bytes, lists, entries); break;
    case PIXELS: list_pixels(packed, (int)row, i, items, k, depth, row_bytes, lists, entries); break;
  }
}

/*
 * Computes a block with lists of A's non-zeros. `k` is the block's first inner index. A block that is deeper than
 * `SPARSE_DEPTH` is computed part by part. If the sums have to be added to C, they are completed in the scratch first,
 * because each sum may be added to C only once.
 */
static void sparse_block(enum left left, const void *a, size_t a_row, int k, int items, int depth, const float *b,
                         size_t width, int columns, float *c, int mode, float *scratch) {
  struct list *lists = (struct list *)scratch;
  struct entry *entries = (struct entry *)(lists + SPARSE_ITEMS);
  float *packed = aligned((float *)(entries + SPARSE_ITEMS * (min(depth, SPARSE_DEPTH) + SPREAD_ENTRIES)));
  float *sums = packed + (size_t)depth * (columns + PADDING_COLUMNS);
  size_t panel = 0;
  int row = (int)width;
  if (width > UNPACKED_COLUMNS && items >= FEW_ITEMS) {
    row = LANES * panel_vectors(vectors_of(columns));
    panel = (size_t)row * depth;
    pack_sparse(b, width, depth, columns, packed, row);
    b = packed;
  }
  int in_parts = mode == ACCUMULATE && depth > SPARSE_DEPTH;
  for (int i = 0; i < items; i += SPARSE_ITEMS, c += SPARSE_ITEMS * width) {
    int some = min(SPARSE_ITEMS, items - i);
    for (int part = 0; part < depth; part += SPARSE_DEPTH) {
      int deep = min(SPARSE_DEPTH, depth - part);
      make_lists(left, a, a_row, i, some, k + part, deep, 4 * row, lists, entries);
      const float *from = b + (size_t)part * row;
      if (in_parts) sparse_panels(lists, some, from, panel, columns, sums, columns, part ? CONTINUE : STORE);
      else sparse_panels(lists, some, from, panel, columns, c, width, part ? CONTINUE : mode);
    }
    if (!in_parts) continue;
    for (int r = 0; r < some; r++) kernel_add(c + r * width, sums + (size_t)r * columns, c + r * width, columns);
  }
}

/*
 * Whether less than `part` quarters of A are non-zero. Up to four rows of A are counted, up to their last multiple of four
 * columns. The answer influences only the speed, not the result.
 */
static int is_sparse(const float *a, size_t row, int rows, int columns, int part) {
  int samples = min(rows, 4);
  ivec4 counts = {0};
  for (int s = 0; s < samples; s++) {
    const float *at = a + (size_t)(s * rows / samples) * row;
    for (int i = 0; i + 4 <= columns; i += 4) counts -= load4(at + i) != 0.0f;
  }
  int present = counts[0] + counts[1] + counts[2] + counts[3];
  return present * 4 < samples * (columns & ~3) * part;
}

/*
 * C[i, j] = sum over k of A[i, k] B[k, j], written as `mode` says. `a` points at a matrix of floats or at packed samples.
 * B and C have rows of `width` floats.
 */
static void product(enum left left, const void *a, size_t row, int items, int depth, const float *b, int width, float *c,
                    int mode, float *scratch) {
  int by_rows = left == ROWS || left == SAMPLES;
  int listed = left == SAMPLES || left == PIXELS;
  int part = width > FEW_COLUMNS ? 3 : 2;
  int rows = by_rows ? items : depth, inner = by_rows ? depth : items;
  int sparse = listed || (width >= LANES && is_sparse(a, row, rows, inner, part));
  int groups = (width + GROUP_COLUMNS - 1) / GROUP_COLUMNS;
  int columns = ((width + groups - 1) / groups + LANES - 1) & ~(LANES - 1);
  int block_depth = !by_rows ? depth : sparse ? SPARSE_DEPTH : DENSE_DEPTH;
  for (int column = 0; column < width; column += columns) {
    int some = min(columns, width - column);
    for (int k = 0; k < depth; k += block_depth) {
      int deep = min(block_depth, depth - k);
      const float *from = b + (size_t)k * width + column;
      int how = k == 0 ? mode : CONTINUE;
      if (sparse) sparse_block(left, a, row, k, items, deep, from, width, some, c + column, how, scratch);
      else {
        const float *at = (const float *)a + (by_rows ? (size_t)k : k * row);
        dense_block(by_rows, at, row, items, deep, from, width, some, c + column, how, scratch);
      }
    }
  }
}

/* `sum_rows` for v vectors of columns. Each has a chain of additions of its own. */
INLINE void sum_vectors(const int v, const float *delta, size_t row, int rows, float *sums, int mode) {
  vec s[4];
#pragma GCC unroll 4
  for (int n = 0; n < v; n++) s[n] = mode == CONTINUE ? load(sums + n * LANES) : splat(0);
  for (; rows > 0; rows--, delta += row) {
#pragma GCC unroll 4
    for (int n = 0; n < v; n++) s[n] = s[n] + load(delta + n * LANES);
  }
#pragma GCC unroll 4
  for (int n = 0; n < v; n++) store(sums + n * LANES, mode == ACCUMULATE ? load(sums + n * LANES) + s[n] : s[n]);
}

/* sums[o] = sum over r of delta[r, o], written as `mode` says. The rows of delta are `row` floats apart. */
static void sum_rows(const float *delta, size_t row, int rows, int columns, float *sums, int mode) {
  int o = 0;
  for (; o + 4 * LANES <= columns; o += 4 * LANES) sum_vectors(4, delta + o, row, rows, sums + o, mode);
  switch ((columns - o) / LANES) {
    case 3: sum_vectors(3, delta + o, row, rows, sums + o, mode); break;
    case 2: sum_vectors(2, delta + o, row, rows, sums + o, mode); break;
    case 1: sum_vectors(1, delta + o, row, rows, sums + o, mode); break;
  }
  for (o = columns / LANES * LANES; o < columns; o++) {
    float sum = mode == CONTINUE ? sums[o] : 0;
    for (int r = 0; r < rows; r++) sum += delta[r * row + o];
    sums[o] = mode == ACCUMULATE ? sums[o] + sum : sum;
  }
}
