/* The kernels of ../kernels.ts, for native code: a table of functions for each width of vectors. */
#ifndef KERNELS_H
#define KERNELS_H

#include <stdint.h>

struct packed;

struct kernels {
  int (*keep)(const uint8_t *image, int pixels, uint8_t *record);
  void (*restore)(const uint8_t *record, int pixels, uint8_t *image);
  void (*gather)(const uint8_t *memory, const uint32_t *records, const uint8_t *labels, int pixels, const uint32_t *ids,
                 int rows, struct packed *packed, uint8_t *labels_out);
  void (*input_forward)(const struct packed *packed, const float *w, const float *b, float *y, int rows, int inputs,
                        int outputs, int activation, float *scratch);
  void (*input_parameter_gradient)(const struct packed *packed, const float *delta, float *gw, float *gb, int rows,
                                   int inputs, int outputs, int write, float *scratch);
  void (*dense_forward)(const float *x, const float *w, const float *b, float *y, int rows, int inputs, int outputs,
                        int activation, float *scratch);
  void (*dense_parameter_gradient)(const float *x, const float *delta, float *gw, float *gb, int rows, int inputs,
                                   int outputs, int write, float *scratch);
  void (*dense_input_gradient)(const float *delta, const float *wT, const float *x, float *delta_in, int rows, int inputs,
                               int outputs, int activation, float *scratch);
  void (*transpose)(const float *w, int inputs, int outputs, float *wT);
  void (*output_loss)(int loss, int activation, const float *y, const uint8_t *labels, float *delta, float *sums, int rows,
                      int classes, int write, float *scratch);
  void (*argmax)(const float *y, uint8_t *predictions, int rows, int classes);
  void (*add)(const float *a, const float *b, float *out, int floats);
  void (*sgd)(float *w, float *v, const float *sum, int floats, float samples, float rate, float momentum);
  int (*all_finite)(const float *x, int floats);
  void (*changes)(const uint32_t *x, const uint32_t *base, int floats, uint8_t *mask);
  void (*exp)(const float *x, float *y, int floats);
  void (*log)(const float *x, float *y, int floats);
};

#endif
