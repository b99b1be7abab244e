/*
 * Coded numbers: blocks of floats as whole numbers of 4, 8 or 16 bits with a common scale. ../scalar/codes.ts has the rule.
 * A code is taken from the bits of a float: the sum of MAGIC and a number is rounded to a whole number, and its lowest bits
 * count from those of MAGIC.
 */
#pragma once

#include "vector.h"

/* Floats of a block, as `changeBlockFloats` in ../kernels.ts. */
#define CODE_BLOCK 64
/* 1.5 * 2^23, and its bits. */
#define MAGIC 12582912.0f
#define MAGIC_BITS 0x4b400000
/* The scale of a block that has a number which is not finite. */
#define NOT_FINITE 255

/* The magnitudes of floats are in the order of their bits without the sign. */
INLINE int32_t largest_magnitude(const float *x, int floats) {
  ivec most = isplat(0);
  int i = 0;
  for (; i + LANES <= floats; i += LANES) {
    ivec magnitude = (ivec)load(x + i) & isplat(0x7fffffff);
    ivec is_more = magnitude > most;
    most = (is_more & magnitude) | (~is_more & most);
  }
  int32_t largest = 0;
#pragma GCC unroll 16
  for (int lane = 0; lane < LANES; lane++) largest = most[lane] > largest ? most[lane] : largest;
  for (; i < floats; i++) {
    int32_t magnitude = (int32_t)(((const any_uint32 *)x)[i] & 0x7fffffff);
    largest = magnitude > largest ? magnitude : largest;
  }
  return largest;
}

INLINE int scale_of(const float *x, int floats, int bits) {
  int exponent = largest_magnitude(x, floats) >> 23;
  if (exponent == NOT_FINITE) return NOT_FINITE;
  return exponent - (bits - 2) > 1 ? exponent - (bits - 2) : 1;
}

/* The power of two with this scale, and its inverse. The inverse is 0 if the block is not finite. */
INLINE vec unit_of(int scale) { return (vec)isplat(scale << 23); }
INLINE vec inverse_of(int scale) { return (vec)isplat(scale == NOT_FINITE ? 0 : (254 - scale) << 23); }

/* `most` is the largest code. */
INLINE ivec codes_of(vec x, vec inverse, ivec most) {
  ivec code = (ivec)(x * inverse + splat(MAGIC)) - isplat(MAGIC_BITS);
  ivec is_high = code > most, is_low = code < -most;
  code = (is_high & most) | (~is_high & code);
  return (is_low & -most) | (~is_low & code);
}

INLINE vec numbers_of(ivec code, vec unit) { return ((vec)(code + isplat(MAGIC_BITS)) - splat(MAGIC)) * unit; }

INLINE vec quantised(vec x, vec unit, vec inverse, ivec most) {
  return numbers_of(codes_of(x, inverse, most), unit);
}

INLINE void quantise_block(float *x, int floats, int bits) {
  int scale = scale_of(x, floats, bits);
  vec unit = unit_of(scale), inverse = inverse_of(scale);
  ivec most = isplat((1 << (bits - 1)) - 1);
  int i = 0;
  for (; i + LANES <= floats; i += LANES) store(x + i, quantised(load(x + i), unit, inverse, most));
  for (; i < floats; i++) x[i] = quantised(splat(x[i]), unit, inverse, most)[0];
}

KERNEL(void, quantise)(float *x, int floats, int bits) {
  for (; floats > 0; x += CODE_BLOCK, floats -= CODE_BLOCK) {
    if (floats < CODE_BLOCK) quantise_block(x, floats, bits);
    else quantise_block(x, CODE_BLOCK, bits);
  }
}

/* In between, `w` has the change that is wanted: the scale follows from it. */
INLINE void settle_block(float *w, float *change, float *residual, int floats, int bits) {
  int i = 0;
  for (; i + LANES <= floats; i += LANES) store(w + i, (load(change + i) - load(w + i)) + load(residual + i));
  for (; i < floats; i++) w[i] = (change[i] - w[i]) + residual[i];
  int scale = scale_of(w, floats, bits);
  vec unit = unit_of(scale), inverse = inverse_of(scale);
  ivec most = isplat((1 << (bits - 1)) - 1);
  for (i = 0; i + LANES <= floats; i += LANES) {
    vec wanted = load(w + i), settled = quantised(wanted, unit, inverse, most);
    store(residual + i, wanted - settled);
    store(w + i, load(change + i) - settled);
    store(change + i, settled);
  }
  for (; i < floats; i++) {
    float wanted = w[i], settled = quantised(splat(wanted), unit, inverse, most)[0];
    residual[i] = wanted - settled;
    w[i] = change[i] - settled;
    change[i] = settled;
  }
}

KERNEL(void, settle)(float *w, float *change, float *residual, int floats, int bits) {
  for (int first = 0; first < floats; first += CODE_BLOCK) {
    if (floats - first < CODE_BLOCK) settle_block(w + first, change + first, residual + first, floats - first, bits);
    else settle_block(w + first, change + first, residual + first, CODE_BLOCK, bits);
  }
}

typedef uint16_t any_uint16_at __attribute__((may_alias, aligned(1)));

/* Codes of four floats, the lowest bits of each lane: 4, 8 or 16 bits a lane, the first lane in the lowest bits. */
INLINE void store_codes(uint8_t *out, ivec4 code, int bits) {
  if (bits == 16) *(any_words4 *)out = __builtin_convertvector(code, words4);
  else if (bits == 8) *(any_bytes4 *)out = __builtin_convertvector(code, bytes4);
  else {
    ivec4 low = code & 15;
    *(any_uint16_at *)out = (uint16_t)(low[0] | low[1] << 4 | low[2] << 8 | low[3] << 12);
  }
}

INLINE ivec4 load_codes(const uint8_t *at, int bits) {
  if (bits == 16) return (__builtin_convertvector(*(const any_words4 *)at, ivec4) ^ 0x8000) - 0x8000;
  if (bits == 8) return (__builtin_convertvector(*(const any_bytes4 *)at, ivec4) ^ 0x80) - 0x80;
  int some = *(const any_uint16_at *)at;
  ivec4 code = {some & 15, some >> 4 & 15, some >> 8 & 15, some >> 12};
  return (code ^ 8) - 8;
}

/* A code that is not one of four. Its byte is shared with the code before it if that one has 4 bits. */
INLINE void store_code(uint8_t *codes, int i, int code, int bits) {
  if (bits == 16) *(any_uint16_at *)(codes + 2 * i) = (uint16_t)code;
  else if (bits == 8) codes[i] = (uint8_t)code;
  else codes[i / 2] = (uint8_t)(i % 2 ? codes[i / 2] | (code & 15) << 4 : code & 15);
}

INLINE int load_code(const uint8_t *codes, int i, int bits) {
  if (bits == 16) return (*(const any_uint16_at *)(codes + 2 * i) ^ 0x8000) - 0x8000;
  if (bits == 8) return (codes[i] ^ 0x80) - 0x80;
  return ((codes[i / 2] >> (i % 2 * 4) & 15) ^ 8) - 8;
}

/* The same as in `vec`, for the vectors of four floats that codes are packed from. */
INLINE vec4 splat4(float x) { return x - (vec4){0}; }
INLINE ivec4 isplat4(int32_t x) { return x - (ivec4){0}; }

INLINE ivec4 codes4_of(vec4 x, vec4 inverse, ivec4 most) {
  ivec4 code = (ivec4)(x * inverse + splat4(MAGIC)) - isplat4(MAGIC_BITS);
  ivec4 is_high = code > most, is_low = code < -most;
  code = (is_high & most) | (~is_high & code);
  return (is_low & -most) | (~is_low & code);
}

INLINE int coded_bytes(int floats, int bits) { return 1 + (floats * bits + 7) / 8; }

INLINE void encode_block(const float *x, int floats, int bits, uint8_t *out) {
  int scale = scale_of(x, floats, bits);
  vec4 inverse = (vec4)isplat4(scale == NOT_FINITE ? 0 : (254 - scale) << 23);
  ivec4 most = isplat4((1 << (bits - 1)) - 1);
  *out++ = (uint8_t)scale;
  int i = 0;
  for (; i + 4 <= floats; i += 4) store_codes(out + i * bits / 8, codes4_of(load4(x + i), inverse, most), bits);
  for (; i < floats; i++) store_code(out, i, codes4_of(splat4(x[i]), inverse, most)[0], bits);
}

INLINE void decode_block(const uint8_t *codes, int floats, int bits, float *x, int subtract) {
  vec4 unit = (vec4)isplat4(*codes++ << 23);
  int i = 0;
  for (; i + 4 <= floats; i += 4) {
    vec4 number = ((vec4)(load_codes(codes + i * bits / 8, bits) + isplat4(MAGIC_BITS)) - splat4(MAGIC)) * unit;
    store4(x + i, subtract ? load4(x + i) - number : number);
  }
  for (; i < floats; i++) {
    float number = (float)load_code(codes, i, bits) * unit[0];
    x[i] = subtract ? x[i] - number : number;
  }
}

INLINE int is_there(const uint8_t *mask, int block) { return mask[block / 8] >> block % 8 & 1; }

/* A constant number of bits makes three loops of one. */
INLINE int encode_blocks(const float *x, int floats, const int bits, const uint8_t *mask, uint8_t *out) {
  uint8_t *at = out;
  for (int block = 0; floats > 0; block++, x += CODE_BLOCK, floats -= CODE_BLOCK) {
    if (!is_there(mask, block)) continue;
    int count = min(floats, CODE_BLOCK);
    if (count < CODE_BLOCK) encode_block(x, count, bits, at);
    else encode_block(x, CODE_BLOCK, bits, at);
    at += coded_bytes(count, bits);
  }
  return (int)(at - out);
}

KERNEL(int, encode)(const float *x, int floats, int bits, const uint8_t *mask, uint8_t *out) {
  if (bits == 4) return encode_blocks(x, floats, 4, mask, out);
  if (bits == 8) return encode_blocks(x, floats, 8, mask, out);
  return encode_blocks(x, floats, 16, mask, out);
}

INLINE void decode_blocks(const uint8_t *codes, int floats, const int bits, const uint8_t *mask, float *x,
                          const int subtract) {
  for (int block = 0; floats > 0; block++, x += CODE_BLOCK, floats -= CODE_BLOCK) {
    if (!is_there(mask, block)) continue;
    int count = min(floats, CODE_BLOCK);
    if (count < CODE_BLOCK) decode_block(codes, count, bits, x, subtract);
    else decode_block(codes, CODE_BLOCK, bits, x, subtract);
    codes += coded_bytes(count, bits);
  }
}

KERNEL(void, decode)(const uint8_t *codes, int floats, int bits, const uint8_t *mask, float *x, int subtract) {
  if (subtract) {
    if (bits == 4) decode_blocks(codes, floats, 4, mask, x, 1);
    else if (bits == 8) decode_blocks(codes, floats, 8, mask, x, 1);
    else decode_blocks(codes, floats, 16, mask, x, 1);
  } else {
    if (bits == 4) decode_blocks(codes, floats, 4, mask, x, 0);
    else if (bits == 8) decode_blocks(codes, floats, 8, mask, x, 0);
    else decode_blocks(codes, floats, 16, mask, x, 0);
  }
}
