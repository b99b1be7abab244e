/* The steps after a product: bias and activation in the forward pass, the derivative in the backward pass. */
#pragma once

#include "elementary.h"

enum activation { LINEAR, SIGMOID, TANH, RELU };

INLINE vec rectified(vec x) { return only(x > 0.0f, x); }

static void map_rectified MAP(rectified)

/* `sum` times the derivative of the activation, at the point where the activation has the value y. */
INLINE vec carry_back(int activation, vec sum, vec y) {
  if (activation == RELU) return only(y > 0.0f, sum);
  if (activation == SIGMOID) return sum * (y * (1.0f - y));
  if (activation == TANH) return sum * (1.0f - y * y);
  return sum;
}

static void add_bias(float *y, const float *b, int rows, int outputs) {
  for (int r = 0; r < rows; r++, y += outputs) {
    int o = 0;
    for (; o + LANES <= outputs; o += LANES) store(y + o, load(y + o) + load(b + o));
    for (; o < outputs; o++) y[o] += b[o];
  }
}

/* y = activation(y) */
static void activate(float *y, int floats, int activation) {
  if (activation == RELU) map_rectified(y, y, floats);
  else if (activation == SIGMOID) map_logistic(y, y, floats);
  else if (activation == TANH) map_hyperbolic_tangent(y, y, floats);
}

/* y = activation(y + b) */
static void finish_forward(float *y, const float *b, int rows, int outputs, int activation) {
  add_bias(y, b, rows, outputs);
  activate(y, rows * outputs, activation);
}

/* delta_in = delta_in * activation'(x), element by element */
static void finish_backward(float *delta_in, const float *x, int floats, int activation) {
  if (activation == LINEAR) return;
  int i = 0;
  for (; i + LANES <= floats; i += LANES) store(delta_in + i, carry_back(activation, load(delta_in + i), load(x + i)));
  for (; i < floats; i++) delta_in[i] = carry_back(activation, splat(delta_in[i]), splat(x[i]))[0];
}
