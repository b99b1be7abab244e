/*
 * Convolutions, computed where the images lie: no copy of the inputs is made for each position.
 *
 * Channels are last. So one row of the kernel meets a run of `kernel * channels` floats of the image, and at the next
 * position of a row, all runs begin `stride * channels` floats later. The rows of weights that belong to a run, one for
 * each of its floats, follow each other, too. An image with padding is first copied between zeros, which change no sum
 * (see ../kernels.ts).
 *
 * Deltas have many zeros, above all behind a pooling layer. So the gradients use lists of the non-zero deltas (lists.h), and
 * a vector has floats of a run. If runs are short, as in a first layer, the gradient of the weights uses tiles instead.
 */
#pragma once

#include "activation.h"
#include "product.h"
#include "runs.h"

/* With shorter runs, tiles are faster than lists. */
#define LIST_RUN (3 * LANES)
/* Positions whose deltas are listed together, if they are not a longer row. */
#define LIST_POSITIONS 128

/* Positions of the kernel along an axis. */
INLINE int positions_of(int extent, int kernel, int stride, int padding) {
  return (extent + 2 * padding - kernel) / stride + 1;
}

/* Whether the rows of a right operand must be packed: they do not fill vectors, or would share few sets of the cache. */
INLINE int packs(int columns) { return columns % LANES != 0 || columns > UNPACKED_COLUMNS; }

/* Where a panel of a right operand begins, which is packed or not, and how far apart its rows are. */
INLINE const float *panel_of(const float *b, int packed, int column, int depth) {
  return packed ? b + (size_t)column * depth : b + column;
}
INLINE size_t panel_row(int packed, int columns, int v) { return packed ? (size_t)v * LANES : (size_t)columns; }

/* Copies an image into the middle of one with `padding` positions more on each side, which are zero already. */
static void pad_image(const float *from, int height, int width, int channels, int padding, float *to) {
  size_t row = (size_t)width * channels, to_row = row + 2 * (size_t)padding * channels;
  copy_columns(from, row, to + padding * (to_row + channels), to_row, height, (int)row);
}

/*
 * One sample: y[oy, ox, o] for `down` x `across` positions. x has rows of `row` floats. Where the outputs do not fill
 * vectors, the last vector of a position reaches over the positions behind it, which are computed later: panels go from
 * the last to the first. At the `end` of all samples, the sums are computed in `edge` and copied.
 */
static void convolve(const float *x, size_t row, int channels, int kernel, int stride, const float *w, const float *bias,
                     int down, int across, float *y, const float *end, int outputs, float *edge) {
  int packed = packs(outputs), depth = kernel * channels;
  size_t item = (size_t)stride * channels;
  for (int column = (outputs - 1) / PANEL_COLUMNS * PANEL_COLUMNS; column >= 0; column -= PANEL_COLUMNS) {
    int wide = min(PANEL_COLUMNS, outputs - column);
    int v = vectors_of(wide);
    const float *b = panel_of(w, packed, column, kernel * depth);
    size_t b_row = panel_row(packed, outputs, v);
    float *c = y + column;
    for (int oy = 0; oy < down; oy++, c += (size_t)across * outputs) {
      const float *a = x + oy * stride * row;
      if (end - c >= (ptrdiff_t)(across - 1) * outputs + v * LANES) {
        run_panel(v, FROM_ROWS, a, item, kernel, row, depth, b, b_row, bias + column, across, c, outputs, STORE);
        continue;
      }
      for (int ox = 0; ox < across; ox += PACKED_ITEMS) {
        int some = min(PACKED_ITEMS, across - ox);
        run_panel(v, FROM_ROWS, a + ox * item, item, kernel, row, depth, b, b_row, bias + column, some, edge,
                  PANEL_COLUMNS, STORE);
        copy_columns(edge, PANEL_COLUMNS, c + (size_t)ox * outputs, outputs, some, wide);
      }
    }
  }
}

KERNEL(void, convForward)(const float *x, const float *w, const float *b, float *y, int rows, int height, int width,
                          int channels, int kernel, int stride, int padding, int outputs, int activation,
                          float *scratch) {
  int down = positions_of(height, kernel, stride, padding), across = positions_of(width, kernel, stride, padding);
  int tall = height + 2 * padding, wide = width + 2 * padding;
  float *edge = aligned(scratch), *bias = edge + PACKED_ITEMS * PANEL_COLUMNS;
  float *packed = bias + vectors_of(outputs) * LANES;
  int depth = kernel * kernel * channels;
  float *image = packed + (size_t)depth * vectors_of(outputs) * LANES;
  size_t floats = (size_t)down * across * outputs;
  const float *end = y + rows * floats;
  copy_columns(b, 0, bias, 0, 1, outputs);
  if (packs(outputs)) pack_dense(w, outputs, depth, outputs, packed);
  if (padding) __builtin_memset(image, 0, 4 * (size_t)tall * wide * channels);
  for (int r = 0; r < rows; r++) {
    if (padding) pad_image(x, height, width, channels, padding, image);
    convolve(padding ? image : x, (size_t)wide * channels, channels, kernel, stride, packs(outputs) ? packed : w, bias,
             down, across, y, end, outputs, edge);
    activate(y, (int)floats, activation);
    x += (size_t)height * width * channels;
    y += floats;
  }
}

/*
 * The gradient at the inputs. Each delta that is not zero adds its rows of weights to the places that its position covers.
 * Positions come in ascending order, so each sum has its order. In wT, the floats of a run follow each other.
 */
static void spread_deltas(const float *delta, int outputs, const float *wT, int run, int kernel, int down, int across,
                          int stride, float *image, size_t row, size_t step, struct list *lists) {
  struct entry *entries = (struct entry *)(lists + SPARSE_ITEMS);
  /* Runs of neighbouring positions overlap: with several panels, all panels of a position come before the next one. */
  int group = panel_vectors(vectors_of(run)) == vectors_of(run) ? SPARSE_ITEMS : 1;
  for (int oy = 0; oy < down; oy++) {
    for (int ox = 0; ox < across; ox += SPARSE_ITEMS) {
      int some = min(SPARSE_ITEMS, across - ox);
      list_rows(delta, outputs, some, outputs, 4 * run, lists, entries);
      delta += (size_t)some * outputs;
      for (int ky = 0; ky < kernel; ky++) {
        float *to = image + (oy * stride + ky) * row + ox * step;
        const float *w = wT + (size_t)ky * outputs * run;
        for (int i = 0; i < some; i += group) {
          sparse_panels(lists + i, min(group, some - i), w, 0, run, to + i * step, step, CONTINUE);
        }
      }
    }
  }
}

KERNEL(void, convInputGradient)(const float *delta, const float *wT, const float *x, float *delta_in, int rows, int height,
                                int width, int channels, int kernel, int stride, int padding, int outputs,
                                int activation, float *scratch) {
  int down = positions_of(height, kernel, stride, padding), across = positions_of(width, kernel, stride, padding);
  int run = kernel * channels;
  size_t row = (size_t)width * channels, padded_row = row + 2 * (size_t)padding * channels;
  size_t floats = (height + 2 * padding) * padded_row;
  struct list *lists = (struct list *)aligned(scratch);
  float *padded = (float *)((struct entry *)(lists + SPARSE_ITEMS) + SPARSE_ITEMS * outputs) + LANES;
  for (int r = 0; r < rows; r++) {
    float *image = padding ? padded : delta_in;
    __builtin_memset(image, 0, 4 * floats);
    spread_deltas(delta, outputs, wT, run, kernel, down, across, stride, image, padded_row, (size_t)stride * channels,
                  lists);
    if (padding) {
      copy_columns(image + padding * (padded_row + channels), padded_row, delta_in, row, height, (int)row);
    }
    finish_backward(delta_in, x, height * (int)row, activation);
    delta += (size_t)down * across * outputs;
    x += height * row;
    delta_in += height * row;
  }
}

/*
 * The gradient of the weights by lists, of one sample: sums[ky, o, i] = sum over the positions of delta[position, o] times
 * float i of the position's run in row ky of the kernel.
 */
static void list_gradient(const float *x, size_t row, size_t step, int run, int kernel, int stride, const float *delta,
                          int down, int across, int outputs, float *sums, int mode, struct list *lists) {
  struct entry *entries = (struct entry *)(lists + SPARSE_ITEMS);
  int lines = across < LIST_POSITIONS ? LIST_POSITIONS / across : 1;
  for (int o = 0; o < outputs; o += SPARSE_ITEMS) {
    int items = min(SPARSE_ITEMS, outputs - o);
    for (int oy = 0; oy < down; oy += lines) {
      int some = min(lines, down - oy);
      clear_lists(items, some * across, lists, entries);
      for (int line = 0; line < some; line++) {
        append_columns(delta + (size_t)(oy + line) * across * outputs + o, outputs, items, across,
                       (uint32_t)(4 * line * stride * row), (int)(4 * step), lists);
      }
      for (int ky = 0; ky < kernel; ky++) {
        sparse_panels(lists, items, x + (oy * stride + ky) * row, 0, run, sums + ((size_t)ky * outputs + o) * run, run,
                      oy ? CONTINUE : mode);
      }
    }
  }
}

/*
 * The same by tiles: sums[ky, i, o], with `lanes` floats in a row. Vectors of deltas may reach over the end of a position:
 * what they compute there is not used.
 */
static void tile_gradient(const float *x, size_t row, size_t step, int run, int kernel, int stride, const float *delta,
                          int down, int across, int outputs, float *sums, int lanes, int mode) {
  for (int column = 0; column < outputs; column += PANEL_COLUMNS) {
    int v = vectors_of(min(PANEL_COLUMNS, outputs - column));
    for (int ky = 0; ky < kernel; ky++) {
      run_panel(v, FROM_COLUMNS, x + ky * row, step, down, stride * row, across, delta + column, outputs, NULL, run,
                sums + (size_t)ky * run * lanes + column, lanes, mode);
    }
  }
}

/* Stores sums, whose rows have `lanes` floats, or adds them to what is there. */
static void finish_sums(const float *sums, int lanes, int rows, float *out, int columns, int write) {
  if (write == STORE) copy_columns(sums, lanes, out, columns, rows, columns);
  else for (; rows > 0; rows--, sums += lanes, out += columns) kernel_add(out, sums, out, columns);
}

KERNEL(void, convParameterGradient)(const float *x, const float *delta, float *gw, float *gb, int rows, int height,
                                    int width, int channels, int kernel, int stride, int padding, int outputs,
                                    int write, float *scratch) {
  int down = positions_of(height, kernel, stride, padding), across = positions_of(width, kernel, stride, padding);
  int run = kernel * channels, lanes = vectors_of(outputs) * LANES;
  int listed = run >= LIST_RUN;
  size_t row = (size_t)(width + 2 * padding) * channels, step = (size_t)stride * channels;
  float *biases = aligned(scratch), *sums = biases + lanes, *transposed = sums + (size_t)kernel * run * lanes;
  float *image = transposed + (size_t)kernel * run * lanes + LANES;
  float *rest = aligned(image + (padding ? (height + 2 * padding) * row : 0));
  if (padding) __builtin_memset(image, 0, 4 * (height + 2 * padding) * row);
  for (int r = 0; r < rows; r++) {
    int mode = r == 0 ? STORE : CONTINUE;
    const float *from = padding ? image : x;
    if (padding) pad_image(x, height, width, channels, padding, image);
    if (listed) {
      list_gradient(from, row, step, run, kernel, stride, delta, down, across, outputs, sums, mode, (struct list *)rest);
      sum_rows(delta, outputs, down * across, outputs, biases, mode);
    } else {
      /* Nothing may be read behind the last sample. */
      const float *own = r + 1 < rows ? delta : rest;
      if (own == rest) copy_columns(delta, 0, rest, 0, 1, down * across * outputs);
      tile_gradient(from, row, step, run, kernel, stride, own, down, across, outputs, sums, lanes, mode);
      sum_rows(own, outputs, down * across, lanes, biases, mode);
    }
    x += (size_t)height * width * channels;
    delta += (size_t)down * across * outputs;
  }
  if (listed) {
    for (int ky = 0; ky < kernel; ky++) {
      kernel_transpose(sums + (size_t)ky * outputs * run, outputs, run, transposed + (size_t)ky * outputs * run);
    }
    finish_sums(transposed, kernel * run * outputs, 1, gw, kernel * run * outputs, write);
  } else finish_sums(sums, lanes, kernel * run, gw, outputs, write);
  finish_sums(biases, lanes, 1, gb, outputs, write);
}
