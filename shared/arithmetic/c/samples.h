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
#ifndef SAMPLES_H
#define SAMPLES_H

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

INLINE void copy_bytes(uint8_t *restrict to, const uint8_t *restrict from, int bytes) {
  for (int i = 0; i < bytes; i++) to[i] = from[i];
}

static int count_present(const uint8_t *image, int pixels) {
  int present = 0;
  for (int i = 0; i < pixels; i++) present += image[i] != 0;
  return present;
}

/* Writes the list of an image. `present` of its pixels are not zero. Returns the length in bytes. */
static int make_record(const uint8_t *image, int pixels, int present, uint8_t *record) {
  any_uint32 *bounds = (any_uint32 *)record;
  uint8_t *bytes = record + 4 * bounds_of(pixels);
  uint8_t *places = bytes + present;
  int entry = 0;
  for (int block = 0; block < blocks_of(pixels); block++) {
    bounds[block] = entry;
    int end = min(pixels, (block + 1) * BLOCK_PIXELS);
    for (int i = block * BLOCK_PIXELS; i < end && entry < present;) {
      if (i + 8 <= end && *(const any_uint64 *)(image + i) == 0) {
        i += 8;
        continue;
      }
      /* Zeros are written too, and overwritten: a branch that depends on the data would cost more time. */
      for (int group = min(end, i + 8); i < group && entry < present; i++) {
        bytes[entry] = image[i];
        places[entry] = (uint8_t)(i % REACH_PIXELS);
        entry += image[i] != 0;
      }
    }
  }
  bounds[blocks_of(pixels)] = present;
  return (4 * bounds_of(pixels) + 2 * present + 3) & ~3;
}

/* Makes the record of an image. Returns its length in bytes, a multiple of four. */
static int make_any_record(const uint8_t *image, int pixels, uint8_t *record) {
  int present = count_present(image, pixels);
  if (4 * present <= 3 * pixels) return make_record(image, pixels, present, record);
  *(any_uint32 *)record = RAW;
  copy_bytes(record + RAW_BYTES, image, pixels);
  return (RAW_BYTES + pixels + 3) & ~3;
}

/* Writes the image of a record to `image`. */
static void restore_image(const uint8_t *record, int pixels, uint8_t *image) {
  if (is_raw(record)) {
    copy_bytes(image, record + RAW_BYTES, pixels);
    return;
  }
  for (int i = 0; i < pixels; i++) image[i] = 0;
  const any_uint32 *bounds = (const any_uint32 *)record;
  const uint8_t *bytes = record + 4 * bounds_of(pixels);
  const uint8_t *places = bytes + bounds[blocks_of(pixels)];
  uint32_t entry = 0;
  for (int block = 0; block < blocks_of(pixels); block++) {
    uint8_t *first = image + (block - block % REACH_BLOCKS) * BLOCK_PIXELS;
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

static void fill_values(float *values) {
  for (int byte = 0; byte < 256; byte += 4) store4(values + byte, pixels4(byte + (ivec4){0, 1, 2, 3}));
}

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

/* Appends a record's list, beginning with entry `count`. Returns the new number of entries. */
static uint32_t append_record(const uint8_t *record, int pixels, any_uint32 *bounds, uint8_t *bytes, uint16_t *places,
                              uint32_t count) {
  const any_uint32 *own = (const any_uint32 *)record;
  int blocks = blocks_of(pixels);
  int block = 0;
  for (; block + 4 <= blocks + 1; block += 4) {
    *(any_ivec4 *)(bounds + block) = *(const any_ivec4 *)(own + block) + (int)count;
  }
  for (; block <= blocks; block++) bounds[block] = own[block] + count;
  int present = (int)own[blocks];
  const uint8_t *from = record + 4 * bounds_of(pixels);
  bytes += count;
  places += count;
  for (int at = 0; at < present; at += 16) *(pair_at *)(bytes + at) = *(const pair_at *)(from + at);
  int at = 0;
  for (block = 0; block < blocks; block += REACH_BLOCKS) {
    int end = (int)own[min(block + REACH_BLOCKS, blocks)];
    uint16_t first = (uint16_t)(block * BLOCK_PIXELS);
    for (int entry = at; entry < end; entry += 16) {
      const any_bytes8 *some = (const any_bytes8 *)(from + present + entry);
      any_words8 *to = (any_words8 *)(places + entry);
      to[0] = __builtin_convertvector(some[0], words8) + first;
      to[1] = __builtin_convertvector(some[1], words8) + first;
    }
    at = end;
  }
  return count + (uint32_t)present;
}

/* Writes the lists of all rows, one after the other. */
static void pack_lists(const uint8_t *memory, const any_uint32 *records, int pixels, const any_uint32 *ids, int rows,
                       struct packed *packed) {
  fill_values(packed->values);
  any_uint32 *bounds = (any_uint32 *)(packed->values + 256);
  int header = bounds_of(pixels);
  uint8_t *bytes = (uint8_t *)(bounds + (size_t)rows * header);
  size_t entries = (size_t)rows * pixels + MARGIN_ENTRIES;
  uint16_t *places = (uint16_t *)(bytes + ((entries + 3) & ~(size_t)3));
  uint8_t *room = (uint8_t *)(places + ((entries + 1) & ~(size_t)1));
  packed->bytes_at = (uint32_t)(bytes - (uint8_t *)packed);
  packed->places_at = (uint32_t)((uint8_t *)places - (uint8_t *)packed);
  uint32_t count = 0;
  for (int r = 0; r < rows; r++, bounds += header) {
    const uint8_t *record = record_of(memory, records, ids, r);
    if (is_raw(record)) {
      record += RAW_BYTES;
      make_record(record, pixels, count_present(record, pixels), room);
      record = room;
    }
    count = append_record(record, pixels, bounds, bytes, places, count);
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
      uint8_t *end = (uint8_t *)(x + pixels) - pixels;
      restore_image(record, pixels, end);
      image = end;
    }
    int i = 0;
    for (; i + 4 <= pixels; i += 4) store4(x + i, pixels4(load_bytes4(image + i)));
    for (; i < pixels; i++) x[i] = pixels4((ivec4){image[i]})[0];
  }
}

static void pack_samples(const uint8_t *memory, const any_uint32 *records, const uint8_t *labels, int pixels,
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

#endif
