/**
 * Samples as the first layer reads them: by lists of their non-zeros where they have enough zeros, else as floats. The
 * lists are made from the bytes without a branch that depends on them, and hold bytes, which a table turns into floats.
 *
 * A packed micro-batch: which form it has, and where its parts lie; then the floats, row by row, or the lists. Those are a table of the value of
 * every byte; a table for making lists; for each row, the entry at which each block of 64 pixels begins, and the one at
 * which the last ends; then the entries of all rows without gaps, ascending: first all bytes, then all places, that is
 * the numbers of the pixels, two bytes each.
 */
import { splat, zero } from './vector';

/** Pixels that bounds are kept for. */
export const BLOCK_PIXELS = 64;

const FORM_BYTES: usize = 16;
const VALUES_BYTES: usize = 4 * 256;
const ORDERS_BYTES: usize = 8 * 256;
/** Rows that the form is judged by. */
const JUDGED_ROWS = 4;
/** A line of the cache, on most processors. */
const LINE_BYTES: usize = 64;
/** How far beyond the last entry the lists are written. */
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

/** The value of each byte. */
// @inline
export function valuesOf(packed: usize): usize {
  return packed + FORM_BYTES;
}

/** The bounds of the lists, `boundsBytes` for each row. */
// @inline
export function boundsOf(packed: usize): usize {
  return packed + FORM_BYTES + VALUES_BYTES + ORDERS_BYTES;
}

// @inline
export function boundsBytes(pixels: i32): usize {
  return (<usize>((pixels + BLOCK_PIXELS - 1) / BLOCK_PIXELS + 1)) << 2;
}

/** Where the bytes of the entries lie, and their places. */
// @inline
export function bytesOf(packed: usize): usize {
  return <usize>load<u32>(packed, 4);
}

// @inline
export function placesOf(packed: usize): usize {
  return <usize>load<u32>(packed, 8);
}

export function gather(
  images: usize,
  labels: usize,
  pixels: i32,
  ids: usize,
  rows: i32,
  packed: usize,
  labelsOut: usize,
): void {
  store<u32>(packed, fetch(images, pixels, ids, rows), 12);
  for (let r = 0; r < rows; r++) store<u8>(labelsOut + r, load<u8>(labels + idOf(ids, r)));
  const listed = list(images, pixels, ids, rows, packed);
  store<u32>(packed, <u32>listed);
  if (!listed) convert(images, pixels, ids, rows, floatsOf(packed));
}

// @inline
function idOf(ids: usize, r: i32): usize {
  return <usize>load<u32>(ids + ((<usize>r) << 2));
}

/**
 * Brings the images from the memory to the cache: they lie at random places, which no processor foresees, and this loop
 * is so short that many of them are under way at once. The sum is of no use, but without it there were no loop.
 */
function fetch(images: usize, pixels: i32, ids: usize, rows: i32): u32 {
  let sum: u32 = 0;
  for (let r = 0; r < rows; r++) {
    const image = images + idOf(ids, r) * pixels;
    for (let at: usize = 0; at < <usize>pixels; at += LINE_BYTES) sum += load<u8>(image + at);
  }
  return sum;
}

/**
 * A byte over 255, as one float32 division would round it. 1/255 is cut in two: the product with the upper part is
 * exact, so only the final sum rounds, and a test over all 256 bytes shows that it rounds as the division does.
 */
// @inline
function pixels4(bytes: v128): v128 {
  const x = f32x4.convert_i32x4_s(bytes);
  return f32x4.add(f32x4.mul(x, splat(reciprocalHigh)), f32x4.mul(x, splat(reciprocalLow)));
}

/** 1/255 to 16 bits, and what is left of it. */
const reciprocalHigh: f32 = 0.0039215087890625;
const reciprocalLow: f32 = 5.9838392e-8;

function convert(images: usize, pixels: i32, ids: usize, rows: i32, x: usize): void {
  for (let r = 0; r < rows; r++) {
    let image = images + idOf(ids, r) * pixels;
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

/** False where the first rows show that too little of the pixels are zero for lists to pay. The answer changes no bit. */
function list(images: usize, pixels: i32, ids: usize, rows: i32, packed: usize): bool {
  fillValues(valuesOf(packed));
  const orders = packed + FORM_BYTES + VALUES_BYTES;
  fillOrders(orders);
  let bounds = boundsOf(packed);
  const bytes = bounds + <usize>rows * boundsBytes(pixels);
  const places = bytes + <usize>(rows * pixels + MARGIN_ENTRIES);
  store<u32>(packed, <u32>bytes, 4);
  store<u32>(packed, <u32>places, 8);
  const judged = min(rows, JUDGED_ROWS);
  let end: usize = 0;
  for (let r = 0; r < rows; r++, bounds += boundsBytes(pixels)) {
    end = compress(images + idOf(ids, r) * pixels, pixels, orders, bytes, places, bounds, end);
    if (r + 1 == judged && 4 * <i32>end > 3 * judged * pixels) return false;
  }
  return true;
}

function fillValues(values: usize): void {
  for (let byte = 0; byte < 256; byte += 4, values += 16) {
    v128.store(values, pixels4(i32x4.add(i32x4.splat(byte), i32x4(0, 1, 2, 3))));
  }
}

/**
 * For each set of eight, given by its bits, its members in ascending order, one byte each: those of the set without its
 * largest member, then that one.
 */
function fillOrders(orders: usize): void {
  store<u64>(orders, 0);
  for (let largest = 0; largest < 8; largest++) {
    const first = (<usize>1) << largest;
    for (let rest: usize = 0; rest < first; rest++) {
      const order = load<u64>(orders + (rest << 3)) | ((<u64>largest) << (popcnt(<u64>rest) << 3));
      store<u64>(orders + ((first + rest) << 3), order);
    }
  }
}

/** Appends the non-zeros of an image at entry `count`, and their bounds; returns the new end. */
// @inline
function compress(
  image: usize,
  pixels: i32,
  orders: usize,
  bytes: usize,
  places: usize,
  bounds: usize,
  count: usize,
): usize {
  let i = 0;
  let place = i16x8.splat(0);
  for (; i + 16 <= pixels; i += 16) {
    if (i % BLOCK_PIXELS == 0) {
      store<u32>(bounds, <u32>count);
      bounds += 4;
    }
    const present = <usize>i8x16.bitmask(i8x16.ne(v128.load(image + i), zero()));
    const low = v128.load64_zero(orders + ((present & 255) << 3));
    v128.store_lane<f64>(bytes + count, i8x16.swizzle(v128.load64_zero(image + i), low), 0);
    v128.store(places + (count << 1), i16x8.add(i16x8.extend_low_i8x16_u(low), place));
    count += popcnt(present & 255);
    place = i16x8.add(place, i16x8.splat(8));
    const high = v128.load64_zero(orders + ((present >> 8) << 3));
    v128.store_lane<f64>(bytes + count, i8x16.swizzle(v128.load64_zero(image + i, 8), high), 0);
    v128.store(places + (count << 1), i16x8.add(i16x8.extend_low_i8x16_u(high), place));
    count += popcnt(present >> 8);
    place = i16x8.add(place, i16x8.splat(8));
  }
  for (; i < pixels; i++) {
    if (i % BLOCK_PIXELS == 0) {
      store<u32>(bounds, <u32>count);
      bounds += 4;
    }
    const byte = load<u8>(image + i);
    store<u8>(bytes + count, byte);
    store<u16>(places + (count << 1), <u16>i);
    count += <usize>(byte != 0);
  }
  store<u32>(bounds, <u32>count);
  return count;
}
