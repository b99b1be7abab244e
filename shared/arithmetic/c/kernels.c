/*
 * The operations of ../kernels.ts, for one width of vectors. They compute the same bits as ../scalar/kernels.ts. The code
 * writes only to its operands and to the scratch, and has no memory of its own, so that every thread of a machine can use
 * it at the same time.
 */
#include "activation.h"
#include "elementwise.h"
#include "kernels.h"
#include "narrow.h"
#include "output.h"
#include "product.h"

#if defined(__wasm__)
/* Addresses are offsets in the memory: it begins at address 0. */
#define KERNEL(name, type) __attribute__((export_name(#name))) type kernel_##name
#else
#define KERNEL(name, type) static type kernel_##name
#endif

/* For up to this many inputs, the second cache holds the sums of `narrow_gradient`. */
#define NARROW_INPUTS 4096

KERNEL(keep, int)(const uint8_t *image, int pixels, uint8_t *record) { return make_any_record(image, pixels, record); }

KERNEL(restore, void)(const uint8_t *record, int pixels, uint8_t *image) { restore_image(record, pixels, image); }

#if defined(__wasm__)
KERNEL(gather, void)(const uint32_t *records, const uint8_t *labels, int pixels, const uint32_t *ids, int rows,
                     struct packed *packed, uint8_t *labels_out) {
  pack_samples(0, records, labels, pixels, ids, rows, packed, labels_out);
}
#else
KERNEL(gather, void)(const uint8_t *memory, const uint32_t *records, const uint8_t *labels, int pixels,
                     const uint32_t *ids, int rows, struct packed *packed, uint8_t *labels_out) {
  pack_samples(memory, records, labels, pixels, ids, rows, packed, labels_out);
}
#endif

/* gb[o] = sum over r of delta[r, o] */
static void sum_rows(const float *delta, int rows, int outputs, float *gb, int write) {
  int o = 0;
  for (; o + LANES <= outputs; o += LANES) {
    vec sum = splat(0);
    for (int r = 0; r < rows; r++) sum = sum + load(delta + r * outputs + o);
    store(gb + o, write == ACCUMULATE ? load(gb + o) + sum : sum);
  }
  for (; o < outputs; o++) {
    float sum = 0;
    for (int r = 0; r < rows; r++) sum += delta[r * outputs + o];
    gb[o] = write == ACCUMULATE ? gb[o] + sum : sum;
  }
}

KERNEL(denseForward, void)(const float *x, const float *w, const float *b, float *y, int rows, int inputs, int outputs,
                           int activation, float *scratch) {
  product(ROWS, x, inputs, rows, inputs, w, outputs, y, STORE, scratch);
  finish_forward(y, b, rows, outputs, activation);
}

KERNEL(denseParameterGradient, void)(const float *x, const float *delta, float *gw, float *gb, int rows, int inputs,
                                     int outputs, int write, float *scratch) {
  product(COLUMNS, x, inputs, inputs, rows, delta, outputs, gw, write, scratch);
  sum_rows(delta, rows, outputs, gb, write);
}

KERNEL(denseInputGradient, void)(const float *delta, const float *wT, const float *x, float *delta_in, int rows,
                                 int inputs, int outputs, int activation, float *scratch) {
  product(ROWS, delta, outputs, rows, outputs, wT, inputs, delta_in, STORE, scratch);
  finish_backward(delta_in, x, rows * inputs, activation);
}

KERNEL(inputForward, void)(const struct packed *packed, const float *w, const float *b, float *y, int rows, int inputs,
                           int outputs, int activation, float *scratch) {
  if (!packed->listed) {
    kernel_denseForward(packed->values, w, b, y, rows, inputs, outputs, activation, scratch);
    return;
  }
  if (outputs <= NARROW_COLUMNS) narrow_forward(packed, rows, inputs, w, outputs, y);
  else product(SAMPLES, packed, bounds_of(inputs), rows, inputs, w, outputs, y, STORE, scratch);
  finish_forward(y, b, rows, outputs, activation);
}

KERNEL(inputParameterGradient, void)(const struct packed *packed, const float *delta, float *gw, float *gb, int rows,
                                     int inputs, int outputs, int write, float *scratch) {
  if (!packed->listed) {
    kernel_denseParameterGradient(packed->values, delta, gw, gb, rows, inputs, outputs, write, scratch);
    return;
  }
  if (outputs <= NARROW_COLUMNS && inputs <= NARROW_INPUTS) {
    narrow_gradient(packed, rows, inputs, delta, outputs, gw, write == ACCUMULATE, scratch);
  } else {
    product(PIXELS, packed, bounds_of(inputs), inputs, rows, delta, outputs, gw, write, scratch);
  }
  sum_rows(delta, rows, outputs, gb, write);
}

KERNEL(transpose, void)(const float *w, int inputs, int outputs, float *wT) { transpose_matrix(w, inputs, outputs, wT); }

KERNEL(outputLoss, void)(int loss, int activation, const float *y, const uint8_t *labels, float *delta, float *sums,
                         int rows, int classes, int write, float *scratch) {
  loss_and_gradient(loss, activation, y, labels, delta, sums, rows, classes, write == ACCUMULATE, scratch);
}

KERNEL(argmax, void)(const float *y, uint8_t *predictions, int rows, int classes) {
  predict(y, predictions, rows, classes);
}

KERNEL(add, void)(const float *a, const float *b, float *out, int floats) { add_floats(a, b, out, floats); }

KERNEL(sgd, void)(float *w, float *v, const float *sum, int floats, float samples, float rate, float momentum) {
  update(w, v, sum, floats, samples, rate, momentum);
}

KERNEL(allFinite, int)(const float *x, int floats) { return all_finite(x, floats); }

KERNEL(changes, void)(const uint32_t *x, const uint32_t *base, int floats, uint8_t *mask) {
  if (base) changes_from(x, base, floats, mask, 0);
  else changes_from(x, x, floats, mask, 1);
}

KERNEL(exp, void)(const float *x, float *y, int floats) { map_exponential(x, y, floats); }

KERNEL(log, void)(const float *x, float *y, int floats) { map_logarithm(x, y, floats); }

#if !defined(__wasm__)
#define TABLE_OF(lanes) kernels_of_##lanes
#define TABLE(lanes) TABLE_OF(lanes)
const struct kernels TABLE(LANES) = {
    kernel_keep,          kernel_restore,
    kernel_gather,        kernel_inputForward,
    kernel_inputParameterGradient, kernel_denseForward,
    kernel_denseParameterGradient, kernel_denseInputGradient,
    kernel_transpose,     kernel_outputLoss,
    kernel_argmax,        kernel_add,
    kernel_sgd,           kernel_allFinite,
    kernel_changes,       kernel_exp,
    kernel_log,
};
#endif
