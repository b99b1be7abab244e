/**
 * Makes lists of the non-zeros of a block of the left operand. There is one list for every item. It has the item's
 * non-zero entries in ascending order, and space for all entries. When a list is made of floats, zeros are written too,
 * and the next entry overwrites them: a branch that depends on the data would cost more time than these stores.
 */
import { BLOCK_PIXELS, boundsOf, bytesOf, placesOf, valuesOf, valuesOf4 } from './samples';
import { ENTRY_BYTES, LIST_BYTES } from './sparse';
import { zero } from './vector';

// @inline
function setList(lists: usize, index: i32, start: usize, end: usize): void {
  store<u32>(lists + <usize>index * LIST_BYTES, <u32>start);
  store<u32>(lists + <usize>index * LIST_BYTES, <u32>end, 4);
}

/** A bit mask: bit i is set if value i is not zero. */
// @inline
function presence(values: v128): usize {
  return <usize>i32x4.bitmask(f32x4.ne(values, zero()));
}

// @inline
function presenceOf16(at: usize): usize {
  const low = i16x8.narrow_i32x4_s(f32x4.ne(v128.load(at), zero()), f32x4.ne(v128.load(at, 16), zero()));
  const high = i16x8.narrow_i32x4_s(f32x4.ne(v128.load(at, 32), zero()), f32x4.ne(v128.load(at, 48), zero()));
  return <usize>i8x16.bitmask(i8x16.narrow_i16x8_s(low, high));
}

/** Appends one value if it is not zero. Returns the new end of the list. */
// @inline
function append(end: usize, offset: u32, value: f32): usize {
  store<u32>(end, offset);
  store<f32>(end, value, 4);
  return end + ((<usize>(value != 0)) << 3);
}

/** Appends each of four values whose bit is set in `present`. Returns the new end of the list. */
// @inline
function appendFour(end: usize, offsets: v128, values: v128, present: usize): usize {
  const low = v128.shuffle<f32>(offsets, values, 0, 4, 1, 5);
  const high = v128.shuffle<f32>(offsets, values, 2, 6, 3, 7);
  const second = end + ((present & 1) << 3);
  const third = second + ((present & 2) << 2);
  const fourth = third + ((present & 4) << 1);
  v128.store_lane<f64>(end, low, 0);
  v128.store_lane<f64>(second, low, 1);
  v128.store_lane<f64>(third, high, 0);
  v128.store_lane<f64>(fourth, high, 1);
  return fourth + (present & 8);
}

/** Makes the lists of items that are rows of a matrix. Entry k of item i is at a + i * itemBytes + 4 * k. */
export function listRows(
  a: usize,
  itemBytes: usize,
  items: i32,
  depth: i32,
  rowBytes: usize,
  lists: usize,
  entries: usize,
): void {
  for (let i = 0; i < items; i++, a += itemBytes, entries += <usize>depth * ENTRY_BYTES) {
    setList(lists, i, entries, listRow(a, depth, <u32>rowBytes, entries));
  }
}

/** Makes the list of one row. It skips sixteen zeros at once, because they are common in images and after a relu. */
// @inline
function listRow(a: usize, depth: i32, rowBytes: u32, end: usize): usize {
  const advance = i32x4.splat(4 * rowBytes);
  let offsets = i32x4.mul(i32x4(0, 1, 2, 3), i32x4.splat(rowBytes));
  const last = a + ((<usize>depth) << 2);
  for (; a + 64 <= last; a += 64) {
    const second = i32x4.add(offsets, advance);
    const third = i32x4.add(second, advance);
    const fourth = i32x4.add(third, advance);
    const present = presenceOf16(a);
    if (present) {
      end = appendFour(end, offsets, v128.load(a), present & 15);
      end = appendFour(end, second, v128.load(a, 16), (present >> 4) & 15);
      end = appendFour(end, third, v128.load(a, 32), (present >> 8) & 15);
      end = appendFour(end, fourth, v128.load(a, 48), present >> 12);
    }
    offsets = i32x4.add(fourth, advance);
  }
  for (; a + 16 <= last; a += 16, offsets = i32x4.add(offsets, advance)) {
    const values = v128.load(a);
    end = appendFour(end, offsets, values, presence(values));
  }
  let offset = <u32>i32x4.extract_lane(offsets, 0);
  for (; a < last; a += 4, offset += rowBytes) end = append(end, offset, load<f32>(a));
  return end;
}

/** Makes the lists of items that are columns of a matrix. Entry k of item i is at a + k * depthBytes + 4 * i. */
export function listColumns(
  a: usize,
  depthBytes: usize,
  items: i32,
  depth: i32,
  rowBytes: usize,
  lists: usize,
  entries: usize,
): void {
  let i = 0;
  const listBytes = spreadBytes(depth);
  for (; i + 4 <= items; i += 4, a += 16, entries += 4 * listBytes) {
    listFourColumns(a, depthBytes, i, depth, <u32>rowBytes, lists, entries, listBytes);
  }
  for (; i < items; i++, a += 4, entries += listBytes) {
    let end = entries;
    for (let k = 0; k < depth; k++) end = append(end, k * <u32>rowBytes, load<f32>(a + <usize>k * depthBytes));
    setList(lists, i, entries, end);
  }
}

// @inline
function listFourColumns(
  a: usize,
  depthBytes: usize,
  i: i32,
  depth: i32,
  rowBytes: u32,
  lists: usize,
  entries: usize,
  listBytes: usize,
): void {
  let end0 = entries;
  let end1 = end0 + listBytes;
  let end2 = end1 + listBytes;
  let end3 = end2 + listBytes;
  let offset: u32 = 0;
  for (let k = 0; k < depth; k++, a += depthBytes, offset += rowBytes) {
    const values = v128.load(a);
    const offsets = i32x4.splat(offset);
    const low = v128.shuffle<f32>(offsets, values, 0, 4, 1, 5);
    const high = v128.shuffle<f32>(offsets, values, 2, 6, 3, 7);
    v128.store_lane<f64>(end0, low, 0);
    v128.store_lane<f64>(end1, low, 1);
    v128.store_lane<f64>(end2, high, 0);
    v128.store_lane<f64>(end3, high, 1);
    const present = presence(values);
    end0 += (present & 1) << 3;
    end1 += (present & 2) << 2;
    end2 += (present & 4) << 1;
    end3 += present & 8;
  }
  setList(lists, i, entries, end0);
  setList(lists, i + 1, entries + listBytes, end1);
  setList(lists, i + 2, entries + 2 * listBytes, end2);
  setList(lists, i + 3, entries + 3 * listBytes, end3);
}

/**
 * Makes the lists of `items` packed samples, beginning with sample `first`. Their entries are `depth` pixels, beginning
 * with pixel `pixel`. Entries are written four at a time. Entries beyond the end of a list are overwritten by the next
 * list.
 */
export function listSamples(
  packed: usize,
  boundsBytes: usize,
  first: i32,
  items: i32,
  pixel: i32,
  depth: i32,
  rowBytes: usize,
  lists: usize,
  entries: usize,
): void {
  const bytes = bytesOf(packed);
  const places = placesOf(packed);
  const blocks = (<usize>((depth + BLOCK_PIXELS - 1) / BLOCK_PIXELS)) << 2;
  const stride = i32x4.splat(<i32>rowBytes);
  const origin = i32x4.splat(pixel);
  let bounds = boundsOf(packed) + <usize>first * boundsBytes + ((<usize>(pixel / BLOCK_PIXELS)) << 2);
  for (let i = 0; i < items; i++, bounds += boundsBytes) {
    const from = <usize>load<u32>(bounds);
    const end = <usize>load<u32>(bounds + blocks);
    let to = entries;
    for (let at = from; at < end; at += 4, to += 4 * ENTRY_BYTES) {
      const offsets = i32x4.mul(i32x4.sub(v128.load16x4_u(places + (at << 1)), origin), stride);
      const values = valuesOf4(bytes + at);
      v128.store(to, v128.shuffle<f32>(offsets, values, 0, 4, 1, 5));
      v128.store(to, v128.shuffle<f32>(offsets, values, 2, 6, 3, 7), 16);
    }
    const start = entries;
    entries += (end - from) * ENTRY_BYTES;
    setList(lists, i, start, entries);
  }
}

/**
 * Makes the lists of `items` pixels of packed samples, beginning with pixel `first`, which is the first of a block.
 * Their entries are `depth` samples, beginning with sample `sample`. The loop visits the samples one after the other
 * and appends each sample to the lists of its non-zero pixels.
 */
export function listPixels(
  packed: usize,
  boundsBytes: usize,
  first: i32,
  items: i32,
  sample: i32,
  depth: i32,
  rowBytes: usize,
  lists: usize,
  entries: usize,
): void {
  const values = valuesOf(packed);
  const bytes = bytesOf(packed);
  const places = placesOf(packed);
  const listBytes = spreadBytes(depth);
  for (let i = 0; i < items; i++, entries += listBytes) setList(lists, i, entries, entries);
  let bounds = boundsOf(packed) + <usize>sample * boundsBytes + ((<usize>(first / BLOCK_PIXELS)) << 2);
  let offset: u32 = 0;
  for (let k = 0; k < depth; k++, bounds += boundsBytes, offset += <u32>rowBytes) {
    const end = <usize>load<u32>(bounds, 4);
    for (let from = <usize>load<u32>(bounds); from < end; from++) {
      const list = lists + <usize>(load<u16>(places + (from << 1)) - first) * LIST_BYTES;
      const to = <usize>load<u32>(list, 4);
      store<u32>(to, offset);
      store<u32>(to, load<u32>(values + ((<usize>load<u8>(bytes + from)) << 2)), 4);
      store<u32>(list, <u32>(to + ENTRY_BYTES), 4);
    }
  }
}

/**
 * Bytes of a list: an odd number of cache lines. Lists that grow at the same time are then in different sets of the
 * cache.
 */
// @inline
function spreadBytes(entries: i32): usize {
  return ((<usize>entries * ENTRY_BYTES + 63) & ~63) | 64;
}
