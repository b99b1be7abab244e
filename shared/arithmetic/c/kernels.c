/*
 * The operations of ../kernels.ts, for one width of vectors. They compute the same bits as ../scalar/kernels.ts. The code
 * writes only to its operands and to the scratch, and has no memory of its own, so that every thread of a machine can use
 * it at the same time.
 */
#include "activation.h"
#include "adam.h"
#include "codes.h"
#include "conv.h"
#include "elementwise.h"
#include "narrow.h"
#include "output.h"
#include "pool.h"
#include "product.h"

/* For up to this many inputs, the second cache holds the sums of `narrow_gradient`. */
#define NARROW_INPUTS 4096

KERNEL(void, denseForward)(const float *x, const float *w, const float *b, float *y, int rows, int inputs, int outputs,
                           int activation, float *scratch) {
  product(ROWS, x, inputs, rows, inputs, w, outputs, y, STORE, scratch);
  finish_forward(y, b, rows, outputs, activation);
}

KERNEL(void, denseParameterGradient)(const float *x, const float *delta, float *gw, float *gb, int rows, int inputs,
                                     int outputs, int write, float *scratch) {
  product(COLUMNS, x, inputs, inputs, rows, delta, outputs, gw, write, scratch);
  sum_rows(delta, outputs, rows, outputs, gb, write);
}

KERNEL(void, denseInputGradient)(const float *delta, const float *wT, const float *x, float *delta_in, int rows,
                                 int inputs, int outputs, int activation, float *scratch) {
  product(ROWS, delta, outputs, rows, outputs, wT, inputs, delta_in, STORE, scratch);
  finish_backward(delta_in, x, rows * inputs, activation);
}

KERNEL(void, inputForward)(const struct packed *packed, const float *w, const float *b, float *y, int rows, int inputs,
                           int outputs, int activation, float *scratch) {
  if (!packed->listed) product(ROWS, packed->values, inputs, rows, inputs, w, outputs, y, STORE, scratch);
  else if (outputs <= NARROW_COLUMNS) narrow_forward(packed, rows, inputs, w, outputs, y);
  else product(SAMPLES, packed, bounds_of(inputs), rows, inputs, w, outputs, y, STORE, scratch);
  finish_forward(y, b, rows, outputs, activation);
}

KERNEL(void, inputParameterGradient)(const struct packed *packed, const float *delta, float *gw, float *gb, int rows,
                                     int inputs, int outputs, int write, float *scratch) {
  if (!packed->listed) product(COLUMNS, packed->values, inputs, inputs, rows, delta, outputs, gw, write, scratch);
  else if (outputs <= NARROW_COLUMNS && inputs <= NARROW_INPUTS) {
    narrow_gradient(packed, rows, inputs, delta, outputs, gw, write == ACCUMULATE, scratch);
  } else {
    product(PIXELS, packed, bounds_of(inputs), inputs, rows, delta, outputs, gw, write, scratch);
  }
  sum_rows(delta, outputs, rows, outputs, gb, write);
}

#if !defined(__wasm__)
#include "calls.h"
#endif
