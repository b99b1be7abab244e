/*
 * The formats in which samples are kept in memory and in which the first layer reads them. Samples with enough zeros
 * become lists of their non-zeros. Others are kept as raw pixels, and are read as floats.
 *
 * A kept image is a record. The first word of a record tells its form. Raw pixels come after the word `RAW`. A list
 * never begins with that word, because its first word is 0. A list consists of:
 *
 * 1. its bounds: for each block of 64 pixels, the number of the block's first entry; then the number of all entries;
 * 2. the byte of each entry, in ascending order of the pixels;
 * 3. the place of each entry in one byte: the number of its pixel among the 256 pixels of four blocks.
 *
 * A packed micro-batch begins with a `struct packed`. If it is not listed, its floats follow, row by row. If it is listed,
 * these parts follow:
 *
 * 1. a table with the value of every byte;
 * 2. the bounds of each row, in the format of a record's bounds;
 * 3. the bytes of all entries of all rows, without gaps;
 * 4. the places of all entries, two bytes each: the number of the pixel;
 * 5. space for one record.
 */
#pragma once

#include "vector.h"

/* Pixels of a block. Bounds tell where each block's entries begin. */
#define BLOCK_PIXELS 64
/* A record's places are counted from the first pixel of a group of this many blocks. */
#define REACH_BLOCKS 4
#define REACH_PIXELS (REACH_BLOCKS * BLOCK_PIXELS)
/* The first word of a record of raw pixels, and its length. */
#define RAW 0xffffffffu
#define RAW_BYTES 4
/* Bytes of a cache line of most processors. */
#define LINE_BYTES 64
/* Reads and writes of lists go up to this many entries beyond the last one. */
#define MARGIN_ENTRIES 16
/* Writes of bounds go up to three bounds beyond the last one. */
#define MARGIN_BOUNDS 3

struct packed {
  uint32_t listed;
  /* Where the bytes and the places of the entries begin, in bytes from this. */
  uint32_t bytes_at;
  uint32_t places_at;
  /* What `fetch` read. */
  uint32_t fetched;
  /* The floats, or the table of values. */
  float values[];
};

INLINE int blocks_of(int pixels) { return (pixels + BLOCK_PIXELS - 1) / BLOCK_PIXELS; }

/* Words of the bounds of one image. */
INLINE int bounds_of(int pixels) { return blocks_of(pixels) + 1; }

INLINE const any_uint32 *packed_bounds(const struct packed *packed) {
  return (const any_uint32 *)(packed->values + 256);
}
INLINE const uint8_t *packed_bytes(const struct packed *packed) { return (const uint8_t *)packed + packed->bytes_at; }
INLINE const uint16_t *packed_places(const struct packed *packed) {
  return (const uint16_t *)((const uint8_t *)packed + packed->places_at);
}

INLINE int is_raw(const uint8_t *record) { return *(const any_uint32 *)record == RAW; }

/* The bytes of a list of `pixels` pixels. Its places follow them. */
INLINE uint8_t *bytes_of(const uint8_t *record, int pixels) { return (uint8_t *)record + 4 * bounds_of(pixels); }

INLINE int count_present(const uint8_t *image, int pixels) {
  int present = 0;
  for (int i = 0; i < pixels; i++) present += image[i] != 0;
  return present;
}

/* Writes the list of an image. `present` of its pixels are not zero. Returns the length in bytes. */
static int make_list(const uint8_t *image, int pixels, int present, uint8_t *record) {
  any_uint32 *bounds = (any_uint32 *)record;
  uint8_t *bytes = bytes_of(record, pixels);
  uint8_t *places = bytes + present;
  int entry = 0;
  for (int i = 0; i < pixels; i++) {
    if (i % BLOCK_PIXELS == 0) bounds[i / BLOCK_PIXELS] = entry;
    /* Most images have many zeros one after the other. */
    if (i % 8 == 0 && i + 8 <= pixels && *(const any_uint64 *)(image + i) == 0) i += 7;
    if (image[i] == 0) continue;
    bytes[entry] = image[i];
    places[entry++] = (uint8_t)(i % REACH_PIXELS);
  }
  bounds[blocks_of(pixels)] = present;
  return (4 * bounds_of(pixels) + 2 * present + 3) & ~3;
}

KERNEL(int, keep)(const uint8_t *image, int pixels, uint8_t *record) {
  int present = count_present(image, pixels);
  if (4 * present <= 3 * pixels) return make_list(image, pixels, present, record);
  *(any_uint32 *)record = RAW;
  __builtin_memcpy(record + RAW_BYTES, image, pixels);
  return (RAW_BYTES + pixels + 3) & ~3;
}

KERNEL(void, restore)(const uint8_t *record, int pixels, uint8_t *image) {
  if (is_raw(record)) {
    __builtin_memcpy(image, record + RAW_BYTES, pixels);
    return;
  }
  __builtin_memset(image, 0, pixels);
  const any_uint32 *bounds = (const any_uint32 *)record;
  const uint8_t *bytes = bytes_of(record, pixels);
  const uint8_t *places = bytes + bounds[blocks_of(pixels)];
  uint32_t entry = 0;
  for (int block = 0; block < blocks_of(pixels); block++) {
    uint8_t *first = image + block / REACH_BLOCKS * REACH_PIXELS;
    for (; entry < bounds[block + 1]; entry++) first[places[entry]] = bytes[entry];
  }
}

/* 1/255 rounded to 16 bits, and the rest of 1/255. */
#define RECIPROCAL_HIGH 0.0039215087890625f
#define RECIPROCAL_LOW 5.9838392e-8f

/*
 * A byte divided by 255, with the same bits as a float32 division. 1/255 is divided into an upper and a lower part. The
 * product with the upper part is exact. A test of all 256 bytes shows that the sum is rounded like the quotient.
 */
INLINE vec4 pixels4(ivec4 bytes) {
  vec4 x = __builtin_convertvector(bytes, vec4);
  return x * RECIPROCAL_HIGH + x * RECIPROCAL_LOW;
}

INLINE ivec4 load_bytes4(const uint8_t *at) { return __builtin_convertvector(*(const any_bytes4 *)at, ivec4); }

/* The records of a micro-batch. */
INLINE const uint8_t *record_of(const uint8_t *memory, const any_uint32 *records, const any_uint32 *ids, int r) {
  return memory + records[ids[r]];
}

/*
 * Brings the records from memory into the cache. The records are at random places, so the processor cannot prefetch
 * them by itself. This loop is short, so many of its reads are under way at the same time. The sum only stops the
 * compiler from removing this prefetch loop.
 */
static uint32_t fetch(const uint8_t *memory, const any_uint32 *records, int pixels, const any_uint32 *ids, int rows) {
  int header = 4 * bounds_of(pixels);
  uint32_t sum = 0;
  for (int r = 0; r < rows; r++) {
    const uint8_t *record = record_of(memory, records, ids, r);
    int bytes = is_raw(record) ? pixels : header + 2 * (int)*(const any_uint32 *)(record + header - 4);
    for (int at = LINE_BYTES; at < bytes; at += LINE_BYTES) sum += record[at];
  }
  return sum;
}

/*
 * Appends a record's list, beginning with entry `count`. Returns the new number of entries. What is written beyond the
 * ends is overwritten by the next list.
 */
static uint32_t append_list(const uint8_t *record, int pixels, any_uint32 *bounds, uint8_t *bytes, uint16_t *places,
                            uint32_t count) {
  const any_uint32 *own = (const any_uint32 *)record;
  const uint8_t *from = bytes_of(record, pixels);
  int blocks = blocks_of(pixels), present = (int)own[blocks];
  for (int block = 0; block <= blocks; block += 4) {
    *(any_ivec4 *)(bounds + block) = *(const any_ivec4 *)(own + block) + (int)count;
  }
  for (int at = 0; at < present; at += 16) *(pair_at *)(bytes + count + at) = *(const pair_at *)(from + at);
  for (int block = 0, entry = 0; entry < present; block += REACH_BLOCKS) {
    int end = (int)own[min(block + REACH_BLOCKS, blocks)];
    uint16_t first = (uint16_t)(block * BLOCK_PIXELS);
    for (int at = entry; at < end; at += 16) {
      const any_bytes8 *some = (const any_bytes8 *)(from + present + at);
      any_words8 *to = (any_words8 *)(places + count + at);
      to[0] = __builtin_convertvector(some[0], words8) + first;
      to[1] = __builtin_convertvector(some[1], words8) + first;
    }
    entry = end;
  }
  return count + (uint32_t)present;
}

/* Writes the lists of all rows, one after the other. */
static void pack_lists(const uint8_t *memory, const any_uint32 *records, int pixels, const any_uint32 *ids, int rows,
                       struct packed *packed) {
  any_uint32 *bounds = (any_uint32 *)(packed->values + 256);
  uint8_t *bytes = (uint8_t *)(bounds + (size_t)rows * bounds_of(pixels) + MARGIN_BOUNDS);
  size_t entries = ((size_t)rows * pixels + MARGIN_ENTRIES + 3) & ~(size_t)3;
  uint16_t *places = (uint16_t *)(bytes + entries);
  packed->bytes_at = (uint32_t)(bytes - (uint8_t *)packed);
  packed->places_at = (uint32_t)(packed->bytes_at + entries);
  for (int byte = 0; byte < 256; byte += 4) store4(packed->values + byte, pixels4(byte + (ivec4){0, 1, 2, 3}));
  uint32_t count = 0;
  for (int r = 0; r < rows; r++, bounds += bounds_of(pixels)) {
    const uint8_t *record = record_of(memory, records, ids, r);
    if (is_raw(record)) {
      uint8_t *room = (uint8_t *)(places + entries);
      make_list(record + RAW_BYTES, pixels, count_present(record + RAW_BYTES, pixels), room);
      record = room;
    }
    count = append_list(record, pixels, bounds, bytes, places, count);
  }
}

/*
 * Writes the floats of all rows. The image of a listed record is first restored into the end of the space for its
 * floats. The floats then overwrite it, from its first pixel on.
 */
static void pack_floats(const uint8_t *memory, const any_uint32 *records, int pixels, const any_uint32 *ids, int rows,
                        float *x) {
  for (int r = 0; r < rows; r++, x += pixels) {
    const uint8_t *record = record_of(memory, records, ids, r);
    const uint8_t *image = record + RAW_BYTES;
    if (!is_raw(record)) {
      image = (uint8_t *)(x + pixels) - pixels;
      kernel_restore(record, pixels, (uint8_t *)image);
    }
    int i = 0;
    for (; i + 4 <= pixels; i += 4) store4(x + i, pixels4(load_bytes4(image + i)));
    for (; i < pixels; i++) x[i] = pixels4((ivec4){image[i]})[0];
  }
}

/* Records have addresses from the start of the memory. Native code gets that as an argument. */
#if defined(__wasm__)
#define MEMORY_ARGUMENT
static const uint8_t *const memory = 0;
#else
#define MEMORY_ARGUMENT const uint8_t *memory,
#endif

KERNEL(void, gather)(MEMORY_ARGUMENT const any_uint32 *records, const uint8_t *labels, int pixels,
                     const any_uint32 *ids, int rows, struct packed *packed, uint8_t *labels_out) {
  int raw = 0;
  for (int r = 0; r < rows; r++) {
    raw += is_raw(record_of(memory, records, ids, r));
    labels_out[r] = labels[ids[r]];
  }
  packed->fetched = fetch(memory, records, pixels, ids, rows);
  packed->listed = 2 * raw <= rows;
  if (packed->listed) pack_lists(memory, records, pixels, ids, rows, packed);
  else pack_floats(memory, records, pixels, ids, rows, packed->values);
}

KERNEL(void, unpack)(const struct packed *packed, int pixels, int rows, float *x) {
  size_t floats = (size_t)rows * pixels;
  if (!packed->listed) {
    __builtin_memcpy(x, packed->values, 4 * floats);
    return;
  }
  __builtin_memset(x, 0, 4 * floats);
  const uint8_t *bytes = packed_bytes(packed);
  const uint16_t *places = packed_places(packed);
  const any_uint32 *bounds = packed_bounds(packed);
  for (int r = 0; r < rows; r++, bounds += bounds_of(pixels), x += pixels) {
    uint32_t end = bounds[blocks_of(pixels)];
    for (uint32_t at = bounds[0]; at < end; at++) x[places[at]] = packed->values[bytes[at]];
  }
}
