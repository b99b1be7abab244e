/** Kernels whose speed depends on the memory: sums, the optimizer's update, checks, transposing. */
import { loadOne, splat, storeOne, zero } from './vector';

export function add(a: usize, b: usize, out: usize, floats: i32): void {
  const end = a + ((<usize>floats) << 2);
  for (; a + 64 <= end; a += 64, b += 64, out += 64) {
    const s0 = f32x4.add(v128.load(a), v128.load(b));
    const s1 = f32x4.add(v128.load(a, 16), v128.load(b, 16));
    const s2 = f32x4.add(v128.load(a, 32), v128.load(b, 32));
    const s3 = f32x4.add(v128.load(a, 48), v128.load(b, 48));
    v128.store(out, s0);
    v128.store(out, s1, 16);
    v128.store(out, s2, 32);
    v128.store(out, s3, 48);
  }
  for (; a < end; a += 4, b += 4, out += 4) store<f32>(out, load<f32>(a) + load<f32>(b));
}

export function sgd(w: usize, v: usize, sum: usize, floats: i32, samples: f32, rate: f32, momentum: f32): void {
  const inverse: f32 = 1 / samples;
  // The inverse of a power of two is exact. A product with it is rounded like the quotient, and is faster.
  const exact = (reinterpret<u32>(samples) & 0x7fffff) == 0 && inverse >= f32.MIN_NORMAL_VALUE;
  if (momentum == 0) {
    if (exact) sgdPlain(w, sum, floats, splat(inverse), splat(rate), true);
    else sgdPlain(w, sum, floats, splat(samples), splat(rate), false);
  } else {
    if (exact) sgdMomentum(w, v, sum, floats, splat(inverse), splat(rate), splat(momentum), true);
    else sgdMomentum(w, v, sum, floats, splat(samples), splat(rate), splat(momentum), false);
  }
}

/** The mean of a sum: `sum` divided by `n`, or multiplied by it if `n` is an inverse. */
// @inline
function mean(sum: v128, n: v128, isInverse: bool): v128 {
  return isInverse ? f32x4.mul(sum, n) : f32x4.div(sum, n);
}

// @inline
function sgdMomentum(
  w: usize,
  v: usize,
  sum: usize,
  floats: i32,
  n: v128,
  rate: v128,
  momentum: v128,
  isInverse: bool,
): void {
  const end = w + ((<usize>floats) << 2);
  for (; w + 16 <= end; w += 16, v += 16, sum += 16) {
    const velocity = f32x4.add(f32x4.mul(momentum, v128.load(v)), mean(v128.load(sum), n, isInverse));
    v128.store(v, velocity);
    v128.store(w, f32x4.sub(v128.load(w), f32x4.mul(rate, velocity)));
  }
  for (; w < end; w += 4, v += 4, sum += 4) {
    const velocity = f32x4.add(f32x4.mul(momentum, loadOne(v)), mean(loadOne(sum), n, isInverse));
    storeOne(v, velocity);
    storeOne(w, f32x4.sub(loadOne(w), f32x4.mul(rate, velocity)));
  }
}

/**
 * The update without momentum. If sixteen consecutive sums are +0, their weights do not change and are not read. This
 * is common for weights of pixels at the edges of images.
 */
// @inline
function sgdPlain(w: usize, sum: usize, floats: i32, n: v128, rate: v128, isInverse: bool): void {
  const end = w + ((<usize>floats) << 2);
  for (; w + 64 <= end; w += 64, sum += 64) {
    const s0 = v128.load(sum);
    const s1 = v128.load(sum, 16);
    const s2 = v128.load(sum, 32);
    const s3 = v128.load(sum, 48);
    if (!v128.any_true(v128.or(v128.or(s0, s1), v128.or(s2, s3)))) continue;
    v128.store(w, f32x4.sub(v128.load(w), f32x4.mul(rate, mean(s0, n, isInverse))));
    v128.store(w, f32x4.sub(v128.load(w, 16), f32x4.mul(rate, mean(s1, n, isInverse))), 16);
    v128.store(w, f32x4.sub(v128.load(w, 32), f32x4.mul(rate, mean(s2, n, isInverse))), 32);
    v128.store(w, f32x4.sub(v128.load(w, 48), f32x4.mul(rate, mean(s3, n, isInverse))), 48);
  }
  for (; w < end; w += 4, sum += 4) {
    storeOne(w, f32x4.sub(loadOne(w), f32x4.mul(rate, mean(loadOne(sum), n, isInverse))));
  }
}

/**
 * x * 0 is NaN if x is NaN or infinite, and a zero otherwise. So the sum of these products is zero if all are finite.
 */
export function allFinite(x: usize, floats: i32): i32 {
  const end = x + ((<usize>floats) << 2);
  let s0 = zero();
  let s1 = zero();
  let s2 = zero();
  let s3 = zero();
  for (; x + 64 <= end; x += 64) {
    s0 = f32x4.add(s0, f32x4.mul(v128.load(x), zero()));
    s1 = f32x4.add(s1, f32x4.mul(v128.load(x, 16), zero()));
    s2 = f32x4.add(s2, f32x4.mul(v128.load(x, 32), zero()));
    s3 = f32x4.add(s3, f32x4.mul(v128.load(x, 48), zero()));
  }
  for (; x < end; x += 4) s0 = f32x4.add(s0, f32x4.mul(loadOne(x), zero()));
  const sum = f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3));
  return <i32>i32x4.all_true(f32x4.eq(sum, zero()));
}

/** Number of floats in a block. It equals `changeBlockFloats` in `../../kernels.ts`. */
const CHANGE_BLOCK = 64;

export function changes(x: usize, base: usize, floats: i32, mask: usize): void {
  if (base) changesFrom(x, base, floats, mask, false);
  else changesFrom(x, x, floats, mask, true);
}

// @inline
function changesFrom(x: usize, base: usize, floats: i32, mask: usize, fromZero: bool): void {
  let bits: u32 = 0;
  let bit: u32 = 1;
  for (; floats >= CHANGE_BLOCK; floats -= CHANGE_BLOCK, x += 4 * CHANGE_BLOCK, base += 4 * CHANGE_BLOCK) {
    let difference = zero();
    for (let at: usize = 0; at < 4 * CHANGE_BLOCK; at += 16) {
      const words = v128.load(x + at);
      difference = v128.or(difference, fromZero ? words : v128.xor(words, v128.load(base + at)));
    }
    if (v128.any_true(difference)) bits |= bit;
    bit <<= 1;
    if (bit < 256) continue;
    store<u8>(mask++, <u8>bits);
    bits = 0;
    bit = 1;
  }
  const isCut = floats > 0;
  let difference: u32 = 0;
  for (; floats > 0; floats--, x += 4, base += 4) {
    difference |= fromZero ? load<u32>(x) : load<u32>(x) ^ load<u32>(base);
  }
  if (difference) bits |= bit;
  if (bit > 1 || isCut) store<u8>(mask, <u8>bits);
}

/** Transposes W in bands of sixteen columns. A band uses one cache line of each row, so each line is read once. */
export function transpose(w: usize, inputs: i32, outputs: i32, wT: usize): void {
  const columnBytes = (<usize>inputs) << 2;
  for (let o = 0; o < outputs; o += 16) {
    const band = min(16, outputs - o);
    transposeBand(w + ((<usize>o) << 2), inputs, (<usize>outputs) << 2, band, wT + <usize>o * columnBytes);
  }
}

/** Transposes a band in blocks of four by four floats. The floats at the edges that fill no block are copied singly. */
function transposeBand(from: usize, inputs: i32, rowBytes: usize, columns: i32, to: usize): void {
  const columnBytes = (<usize>inputs) << 2;
  const wholeColumns = columns & ~3;
  let i = 0;
  for (; i + 4 <= inputs; i += 4, from += 4 * rowBytes, to += 16) {
    for (let o: usize = 0; o < <usize>wholeColumns; o += 4) {
      transposeBlock(from + (o << 2), rowBytes, to + o * columnBytes, columnBytes);
    }
    transposeEdge(from, rowBytes, 4, wholeColumns, columns, to, columnBytes);
  }
  transposeEdge(from, rowBytes, inputs - i, 0, columns, to, columnBytes);
}

// @inline
function transposeEdge(
  from: usize,
  rowBytes: usize,
  rows: i32,
  firstColumn: i32,
  columns: i32,
  to: usize,
  columnBytes: usize,
): void {
  for (let o = <usize>firstColumn; o < <usize>columns; o++) {
    for (let r: usize = 0; r < <usize>rows; r++) {
      store<u32>(to + o * columnBytes + (r << 2), load<u32>(from + r * rowBytes + (o << 2)));
    }
  }
}

/** to[j][i] = from[i][j], for a block of four by four floats. */
// @inline
export function transposeBlock(from: usize, rowBytes: usize, to: usize, columnBytes: usize): void {
  const a = v128.load(from);
  const b = v128.load(from + rowBytes);
  const c = v128.load(from + 2 * rowBytes);
  const d = v128.load(from + 3 * rowBytes);
  const ab0 = v128.shuffle<f32>(a, b, 0, 4, 1, 5);
  const ab2 = v128.shuffle<f32>(a, b, 2, 6, 3, 7);
  const cd0 = v128.shuffle<f32>(c, d, 0, 4, 1, 5);
  const cd2 = v128.shuffle<f32>(c, d, 2, 6, 3, 7);
  v128.store(to, v128.shuffle<f64>(ab0, cd0, 0, 2));
  v128.store(to + columnBytes, v128.shuffle<f64>(ab0, cd0, 1, 3));
  v128.store(to + 2 * columnBytes, v128.shuffle<f64>(ab2, cd2, 0, 2));
  v128.store(to + 3 * columnBytes, v128.shuffle<f64>(ab2, cd2, 1, 3));
}
