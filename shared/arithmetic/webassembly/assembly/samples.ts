/**
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
 * A packed micro-batch begins with its form and the addresses of its parts. If it is not listed, its floats follow, row
 * by row. If it is listed, these parts follow:
 *
 * 1. a table with the value of every byte;
 * 2. the bounds of each row, in the format of a record's bounds;
 * 3. the bytes of all entries of all rows, without gaps;
 * 4. the places of all entries, two bytes each: the number of the pixel;
 * 5. space for one record.
 */
import { splat, zero } from './vector';

/** Pixels of a block. Bounds tell where each block's entries begin. */
export const BLOCK_PIXELS = 64;
/** A record's places are counted from the first pixel of a group of this many blocks. */
const REACH_BLOCKS = 4;
/** The first word of a record of raw pixels. */
const RAW: u32 = 0xffffffff;
const RAW_BYTES: usize = 4;

const FORM_BYTES: usize = 16;
const VALUES_BYTES: usize = 4 * 256;
/** Bytes of a cache line of most processors. */
const LINE_BYTES: usize = 64;
/** Reads and writes of lists go up to this many entries beyond the last one. */
const MARGIN_ENTRIES = 16;

// @inline
export function isListed(packed: usize): bool {
  return load<u32>(packed) != 0;
}

/** The floats of samples that are not listed. */
// @inline
export function floatsOf(packed: usize): usize {
  return packed + FORM_BYTES;
}

/** The table with the value of each byte. */
// @inline
export function valuesOf(packed: usize): usize {
  return packed + FORM_BYTES;
}

/** The bounds of the lists, `boundsBytes` for each row. */
// @inline
export function boundsOf(packed: usize): usize {
  return packed + FORM_BYTES + VALUES_BYTES;
}

// @inline
function blocksOf(pixels: i32): i32 {
  return (pixels + BLOCK_PIXELS - 1) / BLOCK_PIXELS;
}

// @inline
export function boundsBytes(pixels: i32): usize {
  return (<usize>(blocksOf(pixels) + 1)) << 2;
}

/** The address of the entries' bytes. `placesOf` is that of their places. */
// @inline
export function bytesOf(packed: usize): usize {
  return <usize>load<u32>(packed, 4);
}

// @inline
export function placesOf(packed: usize): usize {
  return <usize>load<u32>(packed, 8);
}

/** Makes the record of an image. Returns its length in bytes, a multiple of four. */
export function keep(image: usize, pixels: i32, record: usize): u32 {
  const present = countPresent(image, pixels);
  if (4 * present <= 3 * pixels) return <u32>list(image, pixels, present, record);
  store<u32>(record, RAW);
  memory.copy(record + RAW_BYTES, image, pixels);
  return (<u32>(RAW_BYTES + pixels) + 3) & ~3;
}

/** Writes the image of a record to `image`. */
export function restore(record: usize, pixels: i32, image: usize): void {
  if (isRaw(record)) return memory.copy(image, record + RAW_BYTES, pixels);
  memory.fill(image, 0, pixels);
  const bytes = record + boundsBytes(pixels);
  const places = bytes + <usize>load<u32>(bytes - 4);
  let entry: usize = 0;
  for (let block = 0; block < blocksOf(pixels); block++) {
    const first = image + (block - (block % REACH_BLOCKS)) * BLOCK_PIXELS;
    const end = <usize>load<u32>(record + ((<usize>block) << 2), 4);
    for (; entry < end; entry++) store<u8>(first + <usize>load<u8>(places + entry), load<u8>(bytes + entry));
  }
}

// @inline
function isRaw(record: usize): bool {
  return load<u32>(record) == RAW;
}

function countPresent(image: usize, pixels: i32): i32 {
  let present = 0;
  let i = 0;
  for (; i + 16 <= pixels; i += 16) present += popcnt(<i32>presenceOf(image + i));
  for (; i < pixels; i++) present += <i32>(load<u8>(image + i) != 0);
  return present;
}

/** A bit mask: bit i is set if byte i of sixteen is not zero. */
// @inline
function presenceOf(bytes: usize): u32 {
  return <u32>i8x16.bitmask(i8x16.ne(v128.load(bytes), zero()));
}

/** Writes the list of an image. `present` of its pixels are not zero. Returns the length in bytes. */
function list(image: usize, pixels: i32, present: i32, record: usize): usize {
  const bytes = record + boundsBytes(pixels);
  const places = bytes + present;
  let entry: usize = 0;
  for (let i = 0; i < pixels; i += 16) {
    if (i % BLOCK_PIXELS == 0) store<u32>(record + ((<usize>(i / BLOCK_PIXELS)) << 2), <u32>entry);
    let left = i + 16 <= pixels ? presenceOf(image + i) : presenceOfLast(image + i, pixels - i);
    for (; left; left &= left - 1, entry++) {
      const pixel = i + <i32>ctz(left);
      store<u8>(bytes + entry, load<u8>(image + pixel));
      store<u8>(places + entry, <u8>(pixel % (REACH_BLOCKS * BLOCK_PIXELS)));
    }
  }
  store<u32>(bytes - 4, <u32>present);
  return (boundsBytes(pixels) + 2 * present + 3) & ~3;
}

/** A bit mask like that of `presenceOf`, for fewer than sixteen bytes. */
function presenceOfLast(bytes: usize, count: i32): u32 {
  let present: u32 = 0;
  for (let i = 0; i < count; i++) present |= (<u32>(load<u8>(bytes + i) != 0)) << i;
  return present;
}

export function gather(
  records: usize,
  labels: usize,
  pixels: i32,
  ids: usize,
  rows: i32,
  packed: usize,
  labelsOut: usize,
): void {
  let raw = 0;
  for (let r = 0; r < rows; r++) {
    raw += <i32>isRaw(recordOf(records, ids, r));
    store<u8>(labelsOut + r, load<u8>(labels + idOf(ids, r)));
  }
  store<u32>(packed, fetch(records, pixels, ids, rows), 12);
  const listed = 2 * raw <= rows;
  store<u32>(packed, <u32>listed);
  if (listed) lists(records, pixels, ids, rows, packed);
  else convert(records, pixels, ids, rows, floatsOf(packed));
}

// @inline
function idOf(ids: usize, r: i32): usize {
  return <usize>load<u32>(ids + ((<usize>r) << 2));
}

// @inline
function recordOf(records: usize, ids: usize, r: i32): usize {
  return <usize>load<u32>(records + (idOf(ids, r) << 2));
}

/**
 * Brings the records from memory into the cache. The records are at random places, so the processor cannot prefetch
 * them by itself. This loop is short, so many of its reads are under way at the same time. The sum only stops the
 * compiler from removing this prefetch loop.
 */
function fetch(records: usize, pixels: i32, ids: usize, rows: i32): u32 {
  const header = boundsBytes(pixels);
  let sum: u32 = 0;
  for (let r = 0; r < rows; r++) {
    const record = recordOf(records, ids, r);
    const bytes = isRaw(record) ? <usize>pixels : header + 2 * <usize>load<u32>(record + header - 4);
    for (let at = LINE_BYTES; at < bytes; at += LINE_BYTES) sum += load<u8>(record + at);
  }
  return sum;
}

/** Writes the lists of all rows, one after the other. */
function lists(records: usize, pixels: i32, ids: usize, rows: i32, packed: usize): void {
  fillValues(valuesOf(packed));
  let bounds = boundsOf(packed);
  const header = boundsBytes(pixels);
  const bytes = bounds + <usize>rows * header;
  const places = bytes + <usize>(rows * pixels + MARGIN_ENTRIES);
  const room = (places + 2 * <usize>(rows * pixels + MARGIN_ENTRIES) + 3) & ~3;
  store<u32>(packed, <u32>bytes, 4);
  store<u32>(packed, <u32>places, 8);
  let count: usize = 0;
  for (let r = 0; r < rows; r++, bounds += header) {
    let record = recordOf(records, ids, r);
    if (isRaw(record)) {
      list(record + RAW_BYTES, pixels, countPresent(record + RAW_BYTES, pixels), room);
      record = room;
    }
    count = append(record, pixels, bounds, bytes, places, count);
  }
}

/** Copies a record's bounds, which have `bytes` bytes, and adds `count`, the number of entries before the record's. */
// @inline
function addTo(record: usize, bytes: usize, count: u32, bounds: usize): void {
  const counts = i32x4.splat(count);
  let at: usize = 0;
  for (; at + 16 <= bytes; at += 16) v128.store(bounds + at, i32x4.add(v128.load(record + at), counts));
  for (; at < bytes; at += 4) store<u32>(bounds + at, load<u32>(record + at) + count);
}

/** Appends a record's list, beginning with entry `count`. Returns the new number of entries. */
// @inline
function append(record: usize, pixels: i32, bounds: usize, bytes: usize, places: usize, count: usize): usize {
  const header = boundsBytes(pixels);
  const present = <usize>load<u32>(record + header - 4);
  const from = record + header;
  addTo(record, header, <u32>count, bounds);
  for (let at: usize = 0; at < present; at += 16) v128.store(bytes + count + at, v128.load(from + at));
  let at: usize = 0;
  let first = i16x8.splat(0);
  for (let block = REACH_BLOCKS; at < present; block += REACH_BLOCKS) {
    const end = <usize>load<u32>(record + ((<usize>min(block, blocksOf(pixels))) << 2));
    for (let entry = at; entry < end; entry += 16) {
      const some = v128.load(from + present + entry);
      const to = places + ((count + entry) << 1);
      v128.store(to, i16x8.add(i16x8.extend_low_i8x16_u(some), first));
      v128.store(to, i16x8.add(i16x8.extend_high_i8x16_u(some), first), 16);
    }
    at = end;
    first = i16x8.add(first, i16x8.splat(<i16>(REACH_BLOCKS * BLOCK_PIXELS)));
  }
  return count + present;
}

function fillValues(values: usize): void {
  for (let byte = 0; byte < 256; byte += 4, values += 16) {
    v128.store(values, pixels4(i32x4.add(i32x4.splat(byte), i32x4(0, 1, 2, 3))));
  }
}

/**
 * Bytes divided by 255, with the same bits as a float32 division. 1/255 is divided into an upper and a lower part. The
 * product with the upper part is exact. A test of all 256 bytes shows that the sum is rounded like the quotient.
 */
// @inline
function pixels4(bytes: v128): v128 {
  const x = f32x4.convert_i32x4_s(bytes);
  return f32x4.add(f32x4.mul(x, splat(reciprocalHigh)), f32x4.mul(x, splat(reciprocalLow)));
}

/** The values of the four bytes at `bytes`. */
// @inline
export function valuesOf4(bytes: usize): v128 {
  return pixels4(i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(bytes))));
}

/** 1/255 rounded to 16 bits, and the rest of 1/255. */
const reciprocalHigh: f32 = 0.0039215087890625;
const reciprocalLow: f32 = 5.9838392e-8;

/**
 * Writes the floats of all rows. The image of a listed record is first restored into the end of the space for its
 * floats. The floats then overwrite it.
 */
function convert(records: usize, pixels: i32, ids: usize, rows: i32, x: usize): void {
  for (let r = 0; r < rows; r++) {
    const record = recordOf(records, ids, r);
    const next = x + ((<usize>pixels) << 2);
    let image = record + RAW_BYTES;
    if (!isRaw(record)) {
      image = next - pixels;
      restore(record, pixels, image);
    }
    const end = image + pixels;
    for (; image + 16 <= end; image += 16, x += 64) {
      const bytes = v128.load(image);
      const low = i16x8.extend_low_i8x16_u(bytes);
      const high = i16x8.extend_high_i8x16_u(bytes);
      v128.store(x, pixels4(i32x4.extend_low_i16x8_u(low)));
      v128.store(x, pixels4(i32x4.extend_high_i16x8_u(low)), 16);
      v128.store(x, pixels4(i32x4.extend_low_i16x8_u(high)), 32);
      v128.store(x, pixels4(i32x4.extend_high_i16x8_u(high)), 48);
    }
    for (; image < end; image++, x += 4) store<f32>(x, <f32>load<u8>(image) / 255);
  }
}
