/*
 * Tiles of products whose inner index goes through runs of entries: the entries of a run are equally far apart, and so are
 * the runs. A tile keeps its sums in registers through all runs.
 */
#pragma once

#include "dense.h"

/*
 * One tile of `h` items with `v` vectors of columns. Entry k of run n of item i is at a + n * apart + k * deep + i * item.
 * Its row of B is the next one after that of the entry before. These rows are `b_row` floats apart. If there is a `bias`, it
 * is added to the complete sums.
 */
INLINE void run_tile(const int h, const int v, const float *a, size_t item, size_t deep, int runs, size_t apart, int depth,
                     const float *b, size_t b_row, const float *bias, float *c, size_t width, int mode) {
  vec s[TILE_ITEMS_MAX][PANEL_VECTORS];
  begin_tile(h, v, s, c, width, mode);
#pragma GCC unroll 1
  for (; runs > 0; runs--, a += apart) {
    const float *at = a;
#pragma GCC unroll 1
    for (int k = 0; k < depth; k++, at += deep, b += b_row) tile_step(h, v, s, at, item, b);
  }
  if (bias) {
#pragma GCC unroll 8
    for (int i = 0; i < h; i++) {
#pragma GCC unroll 4
      for (int n = 0; n < v; n++) s[i][n] = s[i][n] + load(bias + n * LANES);
    }
  }
  end_tile(h, v, s, c, width, mode);
}

#define RUNS_PARAMETERS                                                                                             \
  enum source source, const float *a, size_t row, int runs, size_t apart, int depth, const float *b, size_t b_row, \
      const float *bias, int count, float *c, size_t width, int mode
#define RUNS_ARGUMENTS source, a, row, runs, apart, depth, b, b_row, bias, count, c, width, mode

/* `count` tiles. Their items are rows, `row` floats apart, or columns, whose entries are `row` floats apart. */
INLINE void run_tiles(const int h, const int v, RUNS_PARAMETERS) {
  for (; count > 0; count--, c += h * width) {
    if (source == FROM_ROWS) run_tile(h, v, a, row, 1, runs, apart, depth, b, b_row, bias, c, width, mode);
    else run_tile(h, v, a, 1, row, runs, apart, depth, b, b_row, bias, c, width, mode);
    a += source == FROM_ROWS ? h * row : (size_t)h;
  }
}

#define RUN_TILES(h, v) \
  NOINLINE void run_tiles_##h##x##v(RUNS_PARAMETERS) { run_tiles(h, v, RUNS_ARGUMENTS); }
#define RUN_TILES_CALL(h, v) \
  case 8 * v + h: return run_tiles_##h##x##v(RUNS_ARGUMENTS);

EACH_TILE(RUN_TILES)

static void run_tiles_of_size(int h, int v, RUNS_PARAMETERS) {
  switch (8 * v + h) { EACH_TILE(RUN_TILES_CALL) }
}

/* All tiles of `items` items with `v` vectors of columns. Their heights differ by at most one. */
static void run_panel(int v, enum source source, const float *a, size_t row, int runs, size_t apart, int depth,
                      const float *b, size_t b_row, const float *bias, int items, float *c, size_t width, int mode) {
  int tiles = tiles_of(items, TILE_ITEMS(v));
  int h = items / tiles;
  int taller = items % tiles;
  size_t item = source == FROM_ROWS ? row : 1;
  if (taller) run_tiles_of_size(h + 1, v, source, a, row, runs, apart, depth, b, b_row, bias, taller, c, width, mode);
  a += (size_t)taller * (h + 1) * item;
  c += (size_t)taller * (h + 1) * width;
  run_tiles_of_size(h, v, source, a, row, runs, apart, depth, b, b_row, bias, tiles - taller, c, width, mode);
}
