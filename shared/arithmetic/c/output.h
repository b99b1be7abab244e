/*
 * The end of the network: losses, their gradients at the scores, and the predicted class. As many samples as a vector has
 * lanes are computed together, one in each lane. So each sample's sum over the classes has the same order as for a single
 * sample. If fewer samples are left, the last one fills the other lanes too, and its results there are not used.
 */
#pragma once

#include "activation.h"

enum loss { QUADRATIC, SIGMOID_CROSS_ENTROPY, SOFTMAX_CROSS_ENTROPY };

/* The outputs of LANES samples: column n has class n. Lane l is sample min(l, samples - 1). */
INLINE void load_columns(const float *rows, int samples, int classes, float *columns) {
  for (int n = 0; n < classes; n++, rows++) {
    vec column = splat(rows[0]);
#pragma GCC unroll 16
    for (int lane = 1; lane < LANES; lane++) column[lane] = rows[min(lane, samples - 1) * classes];
    store(columns + n * LANES, column);
  }
}

/* The inverse. The last sample is in several lanes, and is then stored several times, with the same values. */
INLINE void store_columns(float *rows, int samples, int classes, const float *columns) {
  for (int n = 0; n < classes; n++, rows++) {
    vec column = load(columns + n * LANES);
#pragma GCC unroll 16
    for (int lane = 0; lane < LANES; lane++) rows[min(lane, samples - 1) * classes] = column[lane];
  }
}

/* The index of the largest value of each sample. Of equal values, the first counts. */
INLINE ivec largest(const float *columns, int classes) {
  ivec best = isplat(0);
  vec most = load(columns);
  for (int n = 1; n < classes; n++) {
    vec column = load(columns + n * LANES);
    ivec more = column > most;
    best = (ivec)choose(more, (vec)isplat(n), (vec)best);
    most = choose(more, column, most);
  }
  return best;
}

/* 1 in the lanes whose label is n, +0 in the others. */
INLINE vec target(ivec label, int n) { return only(label == n, splat(1)); }

/* The losses of the samples in `columns`. Their gradients replace the outputs. */
INLINE vec quadratic(int activation, float *columns, int classes, ivec label) {
  vec sum = splat(0);
  for (int n = 0; n < classes; n++, columns += LANES) {
    vec y = load(columns);
    vec error = y - target(label, n);
    sum = sum + error * error;
    store(columns, carry_back(activation, error, y));
  }
  return 0.5f * sum;
}

INLINE vec sigmoid_cross_entropy(float *columns, int classes, ivec label) {
  vec sum = splat(0);
  for (int n = 0; n < classes; n++, columns += LANES) {
    vec y = load(columns);
    vec t = target(label, n);
    vec linear = rectified(y) - y * t;
    sum = sum + (linear + logarithm(1.0f + exponential(-magnitude_of(y))));
    store(columns, logistic(y) - t);
  }
  return sum;
}

INLINE vec softmax_cross_entropy(float *columns, int classes, ivec label) {
  vec most = load(columns);
  for (int n = 1; n < classes; n++) {
    vec column = load(columns + n * LANES);
    most = choose(most < column, column, most);
  }
  vec sum = splat(0);
  vec margin = splat(0);
  for (int n = 0; n < classes; n++) {
    vec shifted = load(columns + n * LANES) - most;
    margin = choose(label == n, shifted, margin);
    vec e = exponential(shifted);
    sum = sum + e;
    store(columns + n * LANES, e);
  }
  for (int n = 0; n < classes; n++) {
    store(columns + n * LANES, load(columns + n * LANES) / sum - target(label, n));
  }
  return logarithm(sum) - margin;
}

KERNEL(void, argmax)(const float *y, uint8_t *predictions, int rows, int classes) {
  for (int r = 0; r < rows; r++, y += classes) {
    int best = 0;
    for (int n = 1; n < classes; n++) best = y[n] > y[best] ? n : best;
    predictions[r] = (uint8_t)best;
  }
}

KERNEL(void, outputLoss)(int loss, int activation, const float *y, const uint8_t *labels, float *delta, float *sums,
                         int rows, int classes, int accumulate, float *columns) {
  float total = 0;
  int correct = 0;
  for (int r = 0; r < rows; r += LANES, y += LANES * classes, delta += LANES * classes, labels += LANES) {
    int samples = min(LANES, rows - r);
    ivec label = isplat(labels[0]);
#pragma GCC unroll 16
    for (int lane = 1; lane < LANES; lane++) label[lane] = labels[min(lane, samples - 1)];
    load_columns(y, samples, classes, columns);
    ivec right = largest(columns, classes) == label;
    vec losses;
    if (loss == QUADRATIC) losses = quadratic(activation, columns, classes, label);
    else if (loss == SIGMOID_CROSS_ENTROPY) losses = sigmoid_cross_entropy(columns, classes, label);
    else losses = softmax_cross_entropy(columns, classes, label);
    store_columns(delta, samples, classes, columns);
#pragma GCC unroll 16
    for (int lane = 0; lane < LANES; lane++) {
      if (lane == samples) break;
      total += losses[lane];
      correct -= right[lane];
    }
  }
  sums[0] = accumulate ? sums[0] + total : total;
  sums[1] = accumulate ? sums[1] + (float)correct : (float)correct;
}
