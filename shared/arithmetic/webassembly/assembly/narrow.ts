/**
 * Products of a first layer whose row of outputs fits into the registers. The loops go through the lists of the
 * samples' non-zeros (`samples.ts`), sample by sample. They need no other lists and no packing.
 *
 * If the number of outputs is not a multiple of four, the last vector of a row begins `back` bytes early. It computes
 * some columns of the vector before it again, and stores only its own. With fewer than four outputs, the vector reads
 * bytes in front of the row and ignores them.
 */
import { ACCUMULATE } from './modes';
import { boundsBytes, boundsOf, bytesOf, placesOf, valuesOf } from './samples';
import { storeUpper, zero } from './vector';

/**
 * Number of vectors of the widest row. Its sums or deltas stay in registers, which also have space for the products.
 */
export const NARROW_VECTORS = 4;

/** sum + factor * b. The product is rounded, and then the sum. */
// @inline
function step(sum: v128, factor: v128, b: v128): v128 {
  return f32x4.add(sum, f32x4.mul(factor, b));
}

/** y = x W with rows of `n` vectors. n is a constant at every place into which this is inlined. */
// @inline
function forward(
  n: i32,
  packed: usize,
  rows: i32,
  inputs: i32,
  w: usize,
  y: usize,
  rowBytes: usize,
  back: usize,
): void {
  const lastAt = <usize>(16 * (n - 1)) - back;
  const listBytes = boundsBytes(inputs);
  const values = valuesOf(packed);
  const bytes = bytesOf(packed);
  const places = placesOf(packed);
  let bounds = boundsOf(packed);
  for (let r = 0; r < rows; r++, bounds += listBytes, y += rowBytes) {
    const end = <usize>load<u32>(bounds + listBytes - 4);
    let sLast = zero();
    let s0 = zero();
    let s1 = zero();
    let s2 = zero();
    for (let entry = <usize>load<u32>(bounds); entry < end; entry++) {
      const row = w + <usize>load<u16>(places + (entry << 1)) * rowBytes;
      const factor = v128.load32_splat(values + ((<usize>load<u8>(bytes + entry)) << 2));
      sLast = step(sLast, factor, v128.load(row + lastAt));
      if (n > 1) s0 = step(s0, factor, v128.load(row));
      if (n > 2) s1 = step(s1, factor, v128.load(row, 16));
      if (n > 3) s2 = step(s2, factor, v128.load(row, 32));
    }
    if (n > 1) v128.store(y, s0);
    if (n > 2) v128.store(y, s1, 16);
    if (n > 3) v128.store(y, s2, 32);
    storeUpper(y + lastAt, sLast, back);
  }
}

/**
 * sums = x^T delta. Every sample adds to the rows of its non-zero pixels, so each sum goes through the samples in
 * ascending order. The sums have `16 n` bytes for each input. The caller has set them to +0.
 */
// @inline
function scatter(
  n: i32,
  packed: usize,
  rows: i32,
  inputs: i32,
  delta: usize,
  sums: usize,
  rowBytes: usize,
  back: usize,
): void {
  const lastAt = <usize>(16 * (n - 1)) - back;
  const lastSum = <usize>(16 * n - 16);
  const listBytes = boundsBytes(inputs);
  const values = valuesOf(packed);
  const bytes = bytesOf(packed);
  const places = placesOf(packed);
  let bounds = boundsOf(packed);
  for (let r = 0; r < rows; r++, bounds += listBytes, delta += rowBytes) {
    const end = <usize>load<u32>(bounds + listBytes - 4);
    const dLast = v128.load(delta + lastAt);
    const d0 = n > 1 ? v128.load(delta) : dLast;
    const d1 = n > 2 ? v128.load(delta, 16) : dLast;
    const d2 = n > 3 ? v128.load(delta, 32) : dLast;
    for (let entry = <usize>load<u32>(bounds); entry < end; entry++) {
      const sum = sums + <usize>load<u16>(places + (entry << 1)) * <usize>(16 * n);
      const factor = v128.load32_splat(values + ((<usize>load<u8>(bytes + entry)) << 2));
      if (n > 1) v128.store(sum, step(v128.load(sum), factor, d0));
      if (n > 2) v128.store(sum, step(v128.load(sum, 16), factor, d1), 16);
      if (n > 3) v128.store(sum, step(v128.load(sum, 32), factor, d2), 32);
      v128.store(sum + lastSum, step(v128.load(sum + lastSum), factor, dLast));
    }
  }
}

function forward1(packed: usize, rows: i32, inputs: i32, w: usize, y: usize, rowBytes: usize, back: usize): void {
  forward(1, packed, rows, inputs, w, y, rowBytes, back);
}
function forward2(packed: usize, rows: i32, inputs: i32, w: usize, y: usize, rowBytes: usize, back: usize): void {
  forward(2, packed, rows, inputs, w, y, rowBytes, back);
}
function forward3(packed: usize, rows: i32, inputs: i32, w: usize, y: usize, rowBytes: usize, back: usize): void {
  forward(3, packed, rows, inputs, w, y, rowBytes, back);
}
function forward4(packed: usize, rows: i32, inputs: i32, w: usize, y: usize, rowBytes: usize, back: usize): void {
  forward(4, packed, rows, inputs, w, y, rowBytes, back);
}

function scatter1(
  packed: usize,
  rows: i32,
  inputs: i32,
  delta: usize,
  sums: usize,
  rowBytes: usize,
  back: usize,
): void {
  scatter(1, packed, rows, inputs, delta, sums, rowBytes, back);
}
function scatter2(
  packed: usize,
  rows: i32,
  inputs: i32,
  delta: usize,
  sums: usize,
  rowBytes: usize,
  back: usize,
): void {
  scatter(2, packed, rows, inputs, delta, sums, rowBytes, back);
}
function scatter3(
  packed: usize,
  rows: i32,
  inputs: i32,
  delta: usize,
  sums: usize,
  rowBytes: usize,
  back: usize,
): void {
  scatter(3, packed, rows, inputs, delta, sums, rowBytes, back);
}
function scatter4(
  packed: usize,
  rows: i32,
  inputs: i32,
  delta: usize,
  sums: usize,
  rowBytes: usize,
  back: usize,
): void {
  scatter(4, packed, rows, inputs, delta, sums, rowBytes, back);
}

/** y = x W for listed samples, with at most `NARROW_VECTORS` vectors of outputs. */
export function narrowForward(packed: usize, rows: i32, inputs: i32, w: usize, outputs: i32, y: usize): void {
  const n = (outputs + 3) >> 2;
  const rowBytes = (<usize>outputs) << 2;
  const back = ((<usize>n) << 4) - rowBytes;
  if (n == 1) forward1(packed, rows, inputs, w, y, rowBytes, back);
  else if (n == 2) forward2(packed, rows, inputs, w, y, rowBytes, back);
  else if (n == 3) forward3(packed, rows, inputs, w, y, rowBytes, back);
  else forward4(packed, rows, inputs, w, y, rowBytes, back);
}

/**
 * gw = x^T delta, stored or added as `write` says. `sums` is scratch space: for each input, 16 bytes for every four
 * outputs.
 */
export function narrowGradient(
  packed: usize,
  rows: i32,
  inputs: i32,
  delta: usize,
  outputs: i32,
  gw: usize,
  write: i32,
  sums: usize,
): void {
  const n = (outputs + 3) >> 2;
  const rowBytes = (<usize>outputs) << 2;
  const back = ((<usize>n) << 4) - rowBytes;
  const end = sums + ((<usize>(n * inputs)) << 4);
  for (let at = sums; at < end; at += 16) v128.store(at, zero());
  if (n == 1) scatter1(packed, rows, inputs, delta, sums, rowBytes, back);
  else if (n == 2) scatter2(packed, rows, inputs, delta, sums, rowBytes, back);
  else if (n == 3) scatter3(packed, rows, inputs, delta, sums, rowBytes, back);
  else scatter4(packed, rows, inputs, delta, sums, rowBytes, back);
  const last = (<usize>(n - 1)) << 4;
  for (; sums < end; gw += rowBytes) {
    for (let at: usize = 0; at < last; at += 16, sums += 16) put(gw + at, v128.load(sums), 0, write);
    put(gw + last - back, v128.load(sums), back, write);
    sums += 16;
  }
}

/** Stores or adds a vector without its first `back` bytes. */
// @inline
function put(at: usize, sum: v128, back: usize, write: i32): void {
  storeUpper(at, write == ACCUMULATE ? f32x4.add(v128.load(at), sum) : sum, back);
}
