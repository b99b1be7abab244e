/*
 * Makes lists of the non-zeros of a block of the left operand. There is one list for every item. It has the item's
 * non-zero entries in ascending order, and space for all entries. When a list is made of floats, zeros are written too,
 * and the next entry overwrites them: a branch that depends on the data would cost more time than these stores.
 */
#pragma once

#include "samples.h"
#include "sparse.h"

/* A bit mask: bit i is set if value i is not zero. */
INLINE uint32_t presence(vec4 values) {
  ivec4 present = values != 0.0f;
#if defined(__wasm__)
  return __builtin_wasm_bitmask_i32x4(present);
#else
  ivec4 bits = present & (ivec4){1, 2, 4, 8};
  return (uint32_t)((bits[0] | bits[1]) | (bits[2] | bits[3]));
#endif
}

/* Appends one value if it is not zero. Returns the new end of the list. */
INLINE struct entry *append(struct entry *end, uint32_t offset, float value) {
  *end = (struct entry){value, offset};
  return end + (value != 0);
}

INLINE void store_entry(struct entry *at, pair entries, int n) { *(any_uint64 *)at = entries[n]; }

/* The first two of four entries, or the last two. */
INLINE pair entries_low(ivec4 offsets, vec4 values) { return (pair)SHUFFLE(values, (vec4)offsets, 0, 4, 1, 5); }
INLINE pair entries_high(ivec4 offsets, vec4 values) { return (pair)SHUFFLE(values, (vec4)offsets, 2, 6, 3, 7); }

/* Appends each of four values whose bit is set in `present`. Returns the new end of the list. */
INLINE struct entry *append_four(struct entry *end, ivec4 offsets, vec4 values, uint32_t present) {
  pair low = entries_low(offsets, values), high = entries_high(offsets, values);
#pragma GCC unroll 4
  for (int n = 0; n < 4; n++) {
    store_entry(end, n < 2 ? low : high, n & 1);
    end += (present >> n) & 1;
  }
  return end;
}

/* Makes the list of one row. It skips sixteen zeros at once, because they are common in images and after a relu. */
INLINE struct entry *list_row(const float *a, int depth, int row_bytes, struct entry *end) {
  ivec4 offsets = (ivec4){0, 1, 2, 3} * row_bytes;
  ivec4 advance = (ivec4){4, 4, 4, 4} * row_bytes;
  int k = 0;
  for (; k + 16 <= depth; k += 16) {
    const float *at = a + k;
    uint32_t present = presence(load4(at)) | presence(load4(at + 4)) << 4 | presence(load4(at + 8)) << 8 |
                       presence(load4(at + 12)) << 12;
    ivec4 second = offsets + advance, third = second + advance, fourth = third + advance;
    if (present) {
      end = append_four(end, offsets, load4(at), present);
      end = append_four(end, second, load4(at + 4), present >> 4);
      end = append_four(end, third, load4(at + 8), present >> 8);
      end = append_four(end, fourth, load4(at + 12), present >> 12);
    }
    offsets = fourth + advance;
  }
  for (; k < depth; k++) end = append(end, (uint32_t)(k * row_bytes), a[k]);
  return end;
}

/* Makes the lists of items that are rows of a matrix. Entry k of item i is at a + i * row + k. */
static void list_rows(const float *a, size_t row, int items, int depth, int row_bytes, struct list *lists,
                      struct entry *entries) {
  for (int i = 0; i < items; i++, a += row, entries += depth) {
    lists[i] = (struct list){entries, list_row(a, depth, row_bytes, entries)};
  }
}

/*
 * The length of a list in entries: an odd number of cache lines. Lists that grow at the same time are then in different
 * sets of the cache.
 */
INLINE int spread(int entries) { return ((entries + 7) & ~7) | 8; }

/* Empty lists with space for `depth` entries each. */
static void clear_lists(int items, int depth, struct list *lists, struct entry *entries) {
  for (int i = 0; i < items; i++, entries += spread(depth)) lists[i] = (struct list){entries, entries};
}

/*
 * Appends `depth` entries to the lists of items that are columns of a matrix. Entry k of item i is at a + k * row + i. The
 * first entry has the offset `first`.
 */
static void append_columns(const float *a, size_t row, int items, int depth, uint32_t first, int row_bytes,
                           struct list *lists) {
  int i = 0;
  for (; i + 4 <= items; i += 4) {
    struct entry *end[4];
#pragma GCC unroll 4
    for (int n = 0; n < 4; n++) end[n] = lists[i + n].end;
    for (int k = 0; k < depth; k++) {
      vec4 values = load4(a + i + k * row);
      ivec4 offsets = (int)first + k * row_bytes - (ivec4){0};
      pair low = entries_low(offsets, values), high = entries_high(offsets, values);
      uint32_t present = presence(values);
#pragma GCC unroll 4
      for (int n = 0; n < 4; n++) {
        store_entry(end[n], n < 2 ? low : high, n & 1);
        end[n] += (present >> n) & 1;
      }
    }
#pragma GCC unroll 4
    for (int n = 0; n < 4; n++) lists[i + n].end = end[n];
  }
  for (; i < items; i++) {
    struct entry *end = lists[i].end;
    for (int k = 0; k < depth; k++) end = append(end, first + (uint32_t)(k * row_bytes), a[i + k * row]);
    lists[i].end = end;
  }
}

/* Makes the lists of items that are columns of a matrix. */
static void list_columns(const float *a, size_t row, int items, int depth, int row_bytes, struct list *lists,
                         struct entry *entries) {
  clear_lists(items, depth, lists, entries);
  append_columns(a, row, items, depth, 0, row_bytes, lists);
}

/*
 * Makes the lists of `items` packed samples, beginning with sample `first`. Their entries are `depth` pixels, beginning
 * with pixel `start`. Entries are written four at a time. Entries beyond the end of a list are overwritten by the next
 * list.
 */
static void list_samples(const struct packed *packed, int header, int first, int items, int start, int depth, int row_bytes,
                         struct list *lists, struct entry *entries) {
  const uint8_t *bytes = packed_bytes(packed);
  const uint16_t *places = packed_places(packed);
  const any_uint32 *bounds = packed_bounds(packed) + (size_t)first * header + start / BLOCK_PIXELS;
  int blocks = blocks_of(depth);
  for (int i = 0; i < items; i++, bounds += header) {
    uint32_t from = bounds[0], end = bounds[blocks];
    struct entry *to = entries;
    for (uint32_t at = from; at < end; at += 4, to += 4) {
      ivec4 place = __builtin_convertvector(*(const any_words4 *)(places + at), ivec4);
      ivec4 offsets = (place - start) * row_bytes;
      vec4 values = pixels4(load_bytes4(bytes + at));
      *(pair_at *)to = entries_low(offsets, values);
      *(pair_at *)(to + 2) = entries_high(offsets, values);
    }
    lists[i] = (struct list){entries, entries + (end - from)};
    entries += end - from;
  }
}

/*
 * Makes the lists of `items` pixels of packed samples, beginning with pixel `first`, which is the first of a block.
 * Their entries are `depth` samples, beginning with sample `start`. The loop visits the samples one after the other and
 * appends each sample to the lists of its non-zero pixels.
 */
static void list_pixels(const struct packed *packed, int header, int first, int items, int start, int depth, int row_bytes,
                        struct list *lists, struct entry *entries) {
  const float *values = packed->values;
  const uint8_t *bytes = packed_bytes(packed);
  const uint16_t *places = packed_places(packed);
  int length = spread(depth);
  for (int i = 0; i < items; i++) lists[i] = (struct list){entries + i * length, entries + i * length};
  const any_uint32 *bounds = packed_bounds(packed) + (size_t)start * header + first / BLOCK_PIXELS;
  uint32_t offset = 0;
  for (int k = 0; k < depth; k++, bounds += header, offset += (uint32_t)row_bytes) {
    const uint8_t *byte = bytes + bounds[0], *end = bytes + bounds[1];
    for (const uint16_t *place = places + bounds[0]; byte < end; byte++, place++) {
      struct entry *to = lists[*place - first].end++;
      *to = (struct entry){values[*byte], offset};
    }
  }
}
