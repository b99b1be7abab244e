/**
 * Samples as the first layer reads them: by lists of their non-zeros where they have enough zeros, else as floats. The
 * lists are made from the bytes, so that pixels that are zero, most of them in pictures, are never converted.
 *
 * A packed micro-batch: which form it has; then the floats, row by row, or the lists. Those begin
 * with what it takes to make them; then comes, for each row, where its non-zeros begin in each block of 64 pixels, and where the last ends; then the entries
 * (number of the pixel, value), ascending, row after row without gaps.
 */
import { ENTRY_BYTES } from './sparse';
import { splat, zero } from './vector';

/** Pixels of a block, as many as a word has bits. */
export const BLOCK_PIXELS = 64;

const FORM_BYTES: usize = 16;
const ORDERS_BYTES: usize = 8 * 256;

// @inline
export function isListed(packed: usize): bool {
  return load<u32>(packed) != 0;
}

/** The floats of samples that are not listed. */
// @inline
export function floatsOf(packed: usize): usize {
  return packed + FORM_BYTES;
}

/** The bounds of the lists, `boundsBytes` for each row. */
// @inline
export function boundsOf(packed: usize, pixels: i32): usize {
  return packed + FORM_BYTES + ORDERS_BYTES + 3 * ((<usize>pixels + 31) & ~15);
}

// @inline
export function boundsBytes(pixels: i32): usize {
  return (<usize>((pixels + BLOCK_PIXELS - 1) / BLOCK_PIXELS + 1)) << 2;
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
  let present = 0;
  for (let r = 0; r < rows; r++) {
    const id = <usize>load<u32>(ids + ((<usize>r) << 2));
    store<u8>(labelsOut + r, load<u8>(labels + id));
    present += countNonZero(images + id * pixels, pixels);
  }
  const listed = <i64>present * 4 < <i64>rows * pixels * 3;
  store<u32>(packed, <u32>listed);
  if (listed) list(images, pixels, ids, rows, packed);
  else convert(images, pixels, ids, rows, floatsOf(packed));
}

// @inline
function countNonZero(image: usize, pixels: i32): i32 {
  const end = image + pixels;
  let zeros = 0;
  for (; image + 16 <= end; image += 16) zeros += popcnt(i8x16.bitmask(i8x16.eq(v128.load(image), zero())));
  for (; image < end; image++) zeros += <i32>(load<u8>(image) == 0);
  return pixels - zeros;
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
    let image = images + <usize>load<u32>(ids + ((<usize>r) << 2)) * pixels;
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

function list(images: usize, pixels: i32, ids: usize, rows: i32, packed: usize): void {
  const orders = packed + FORM_BYTES;
  fillOrders(orders);
  const bytes = orders + ORDERS_BYTES;
  const places = bytes + ((<usize>pixels + 31) & ~15);
  let bounds = boundsOf(packed, pixels);
  let entries = (bounds + <usize>rows * boundsBytes(pixels) + 15) & ~15;
  for (let r = 0; r < rows; r++) {
    const image = images + <usize>load<u32>(ids + ((<usize>r) << 2)) * pixels;
    const count = compress(image, pixels, orders, bytes, places, entries, bounds);
    convertEntries(bytes, places, count, entries);
    bounds += boundsBytes(pixels);
    entries += count * ENTRY_BYTES;
  }
}

/**
 * For each set of eight, given by its bits, its members in ascending order, one byte each: those of the set without its
 * largest member, then that one.
 */
function fillOrders(orders: usize): void {
  store<u64>(orders, 0);
  for (let largest = 0; largest < 8; largest++) {
    const first = <usize>1 << largest;
    for (let rest: usize = 0; rest < first; rest++) {
      const order = load<u64>(orders + (rest << 3)) | ((<u64>largest) << (popcnt(<u64>rest) << 3));
      store<u64>(orders + ((first + rest) << 3), order);
    }
  }
}

/** The non-zeros of an image, one byte each, and their places, two bytes each; fills its bounds. Returns their number. */
// @inline
function compress(
  image: usize,
  pixels: i32,
  orders: usize,
  bytes: usize,
  places: usize,
  entries: usize,
  bounds: usize,
): usize {
  let count: usize = 0;
  let i = 0;
  for (; i + 16 <= pixels; i += 16) {
    if (i % BLOCK_PIXELS == 0) {
      store<u32>(bounds, <u32>(entries + count * ENTRY_BYTES));
      bounds += 4;
    }
    const chunk = v128.load(image + i);
    const present = i8x16.bitmask(i8x16.ne(chunk, zero()));
    const low = v128.load64_zero(orders + ((<usize>(present & 255)) << 3));
    v128.store_lane<f64>(bytes + count, i8x16.swizzle(chunk, low), 0);
    v128.store(places + (count << 1), i16x8.add(i16x8.extend_low_i8x16_u(low), i16x8.splat(<i16>i)));
    count += popcnt(present & 255);
    const high = i8x16.add(v128.load64_zero(orders + ((<usize>(present >> 8)) << 3)), i8x16.splat(8));
    v128.store_lane<f64>(bytes + count, i8x16.swizzle(chunk, high), 0);
    v128.store(places + (count << 1), i16x8.add(i16x8.extend_low_i8x16_u(high), i16x8.splat(<i16>i)));
    count += popcnt(present >> 8);
  }
  for (; i < pixels; i++) {
    if (i % BLOCK_PIXELS == 0) {
      store<u32>(bounds, <u32>(entries + count * ENTRY_BYTES));
      bounds += 4;
    }
    const byte = load<u8>(image + i);
    store<u8>(bytes + count, byte);
    store<u16>(places + (count << 1), <u16>i);
    count += <usize>(byte != 0);
  }
  store<u32>(bounds, <u32>(entries + count * ENTRY_BYTES));
  return count;
}

/** Makes entries of bytes and places, four at a time; what is written too many the next image overwrites. */
// @inline
function convertEntries(bytes: usize, places: usize, count: usize, entries: usize): void {
  for (let i: usize = 0; i < count; i += 4, entries += 4 * ENTRY_BYTES) {
    const place = i32x4.extend_low_i16x8_u(v128.load64_zero(places + (i << 1)));
    const value = pixels4(i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(bytes + i))));
    v128.store(entries, v128.shuffle<f32>(place, value, 0, 4, 1, 5));
    v128.store(entries, v128.shuffle<f32>(place, value, 2, 6, 3, 7), 16);
  }
}
