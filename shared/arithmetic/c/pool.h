/*
 * Max pooling. Channels are last, so a vector has floats of several channels. If the number of channels does not fill
 * vectors, the last vector of a position begins some floats early. It computes them again.
 */
#pragma once

#include "activation.h"

/* Bytes as many as a vector has floats. */
typedef uint8_t bytes __attribute__((vector_size(LANES)));
typedef bytes any_bytes __attribute__((aligned(1), may_alias));

#if LANES == 4
#define LANE_NUMBERS {0, 1, 2, 3}
#elif LANES == 8
#define LANE_NUMBERS {0, 1, 2, 3, 4, 5, 6, 7}
#else
#define LANE_NUMBERS {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}
#endif

/*
 * One window for as many channels as a vector of the type V has floats: the largest values and their numbers in the window;
 * then its gradient. I and B are vectors of as many whole numbers and bytes. Windows that are `apart` share no inputs, so
 * their gradient is stored. Otherwise it is added to what is there, without the first `back` lanes.
 */
#define WINDOW(suffix, V, I, B, LANE_NUMBER)                                                                          \
  INLINE void largest_##suffix(const float *x, size_t row, int channels, int size, float *y, uint8_t *winners) {     \
    V most = *(const unaligned_##V *)x;                                                                               \
    I winner = {0}, number = {0};                                                                                     \
    for (int ky = 0; ky < size; ky++, x += row) {                                                                     \
      for (int kx = 0; kx < size; kx++, number += 1) {                                                                \
        V value = *(const unaligned_##V *)(x + kx * channels);                                                        \
        I more = value > most;                                                                                        \
        most = (V)((more & (I)value) | (~more & (I)most));                                                            \
        winner = (more & number) | (~more & winner);                                                                  \
      }                                                                                                               \
    }                                                                                                                 \
    *(unaligned_##V *)y = most;                                                                                       \
    *(any_##B *)winners = __builtin_convertvector(winner, B);                                                         \
  }                                                                                                                   \
  INLINE void give_back_##suffix(const float *delta, const uint8_t *winners, int back, float *to, size_t row,         \
                                 int channels, int size, int apart) {                                                 \
    I winner = __builtin_convertvector(*(const any_##B *)winners, I), number = {0}, own = (I)LANE_NUMBER >= back;     \
    I d = (I)*(const unaligned_##V *)delta;                                                                           \
    if (!apart) d &= own;                                                                                             \
    for (int ky = 0; ky < size; ky++, to += row) {                                                                    \
      for (int kx = 0; kx < size; kx++, number += 1) {                                                                \
        unaligned_##V *at = (unaligned_##V *)(to + kx * channels);                                                    \
        V sum = {0};                                                                                                  \
        if (!apart) sum = *at;                                                                                        \
        *at = sum + (V)(d & (winner == number));                                                                      \
      }                                                                                                               \
    }                                                                                                                 \
  }

WINDOW(all, vec, ivec, bytes, LANE_NUMBERS)
WINDOW(four, vec4, ivec4, bytes4, ((ivec4){0, 1, 2, 3}))

INLINE void largest_one(const float *x, size_t row, int channels, int size, float *y, uint8_t *winner) {
  *y = *x;
  *winner = 0;
  for (int number = 0; number < size * size; number++) {
    float value = x[number / size * row + number % size * channels];
    if (!(value > *y)) continue;
    *y = value;
    *winner = (uint8_t)number;
  }
}

/* The largest values of one window in all channels. */
INLINE void largest_of(const float *x, size_t row, int channels, int size, float *y, uint8_t *winners) {
  int c = 0;
  if (channels >= LANES) {
    for (; c < channels; c += LANES) {
      int at = min(c, channels - LANES);
      largest_all(x + at, row, channels, size, y + at, winners + at);
    }
  } else if (channels >= 4) {
    for (; c < channels; c += 4) {
      int at = min(c, channels - 4);
      largest_four(x + at, row, channels, size, y + at, winners + at);
    }
  }
  for (; c < channels; c++) largest_one(x + c, row, channels, size, y + c, winners + c);
}

/* Adds the deltas of one window in all channels to the gradient of their winners. */
INLINE void give_back(const float *delta, const uint8_t *winners, float *to, size_t row, int channels, int size,
                      int apart) {
  int c = 0;
  if (channels >= LANES) {
    for (; c < channels; c += LANES) {
      int at = min(c, channels - LANES);
      give_back_all(delta + at, winners + at, c - at, to + at, row, channels, size, apart);
    }
  } else if (channels >= 4) {
    for (; c < channels; c += 4) {
      int at = min(c, channels - 4);
      give_back_four(delta + at, winners + at, c - at, to + at, row, channels, size, apart);
    }
  }
  for (; c < channels; c++) to[winners[c] / size * row + winners[c] % size * channels + c] += delta[c];
}

/* The windows of one image. `size` is a constant at one of the places into which this is inlined: see the kernels below. */
INLINE void largest_values(const float *x, float *y, uint8_t *winners, int down, int across, size_t row, int channels,
                           int size, int stride) {
  for (int oy = 0; oy < down; oy++, x += stride * row) {
    for (int ox = 0; ox < across; ox++, y += channels, winners += channels) {
      largest_of(x + (size_t)ox * stride * channels, row, channels, size, y, winners);
    }
  }
}

INLINE void spread_back(const float *delta, const uint8_t *winners, float *to, int down, int across, size_t row,
                        int channels, int size, int stride, int apart) {
  for (int oy = 0; oy < down; oy++, to += stride * row) {
    for (int ox = 0; ox < across; ox++, delta += channels, winners += channels) {
      give_back(delta, winners, to + (size_t)ox * stride * channels, row, channels, size, apart);
    }
  }
}

KERNEL(void, maxPoolForward)(const float *x, float *y, uint8_t *winners, int rows, int height, int width, int channels,
                             int size, int stride, int activation) {
  int down = (height - size) / stride + 1, across = (width - size) / stride + 1;
  int outputs = down * across * channels;
  size_t row = (size_t)width * channels;
  for (int r = 0; r < rows; r++, x += height * row, y += outputs, winners += outputs) {
    if (size == 2) largest_values(x, y, winners, down, across, row, channels, 2, stride);
    else largest_values(x, y, winners, down, across, row, channels, size, stride);
    activate(y, outputs, activation);
  }
}

KERNEL(void, maxPoolInputGradient)(const float *delta, const uint8_t *winners, const float *x, float *delta_in, int rows,
                                   int height, int width, int channels, int size, int stride, int activation) {
  int down = (height - size) / stride + 1, across = (width - size) / stride + 1;
  int outputs = down * across * channels;
  int covered = stride == size && height % size == 0 && width % size == 0 && channels >= 4;
  size_t row = (size_t)width * channels;
  for (int r = 0; r < rows; r++, x += height * row, delta_in += height * row, delta += outputs, winners += outputs) {
    if (!covered) __builtin_memset(delta_in, 0, 4 * height * row);
    if (size == 2 && covered) spread_back(delta, winners, delta_in, down, across, row, channels, 2, 2, 1);
    else spread_back(delta, winners, delta_in, down, across, row, channels, size, stride, stride >= size);
    finish_backward(delta_in, x, height * (int)row, activation);
  }
}
