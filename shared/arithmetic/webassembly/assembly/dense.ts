/**
 * Products with a dense left operand A. Both operands are packed. A is packed in tiles of up to four items: for each k,
 * the entries k of a tile's items are contiguous. B is packed in panels of one or two vectors of columns: for each k, a
 * panel's part of row k is contiguous.
 *
 * The sums of a tile stay in registers. Eight sums are enough to hide the latency of an addition. Together with the two
 * vectors of B, the factor and the compiler's temporaries, they fit into the registers of x86-64. The sums are stored
 * in the order in which the loop computes them, for the reason that `sparse.ts` explains.
 */
import { ACCUMULATE, CONTINUE } from './modes';
import { zero } from './vector';

export const TILE_ITEMS = 4;
export const PANEL_COLUMNS = 8;

/** sum + a * b. The product is rounded, and then the sum. */
// @inline
function step(sum: v128, a: v128, b: v128): v128 {
  return f32x4.add(sum, f32x4.mul(a, b));
}

// @inline
function accumulate(at: usize, sum: v128): void {
  v128.store(at, f32x4.add(sum, v128.load(at)));
}

/**
 * Computes `count` tiles of `h` items with one panel of `v` vectors. h and v are constants at every place into which
 * this is inlined. The tiles of A are contiguous.
 */
// @inline
function tiles(h: i32, v: i32, a: usize, b: usize, depth: i32, count: i32, c: usize, rowBytes: usize, mode: i32): void {
  for (; count > 0; count--) {
    const c0 = c;
    const c1 = c0 + rowBytes;
    const c2 = c1 + rowBytes;
    const c3 = c2 + rowBytes;
    let s00 = zero();
    let s01 = zero();
    let s10 = zero();
    let s11 = zero();
    let s20 = zero();
    let s21 = zero();
    let s30 = zero();
    let s31 = zero();
    if (mode == CONTINUE) {
      s00 = v128.load(c0);
      if (v > 1) s01 = v128.load(c0, 16);
      if (h > 1) s10 = v128.load(c1);
      if (h > 1 && v > 1) s11 = v128.load(c1, 16);
      if (h > 2) s20 = v128.load(c2);
      if (h > 2 && v > 1) s21 = v128.load(c2, 16);
      if (h > 3) s30 = v128.load(c3);
      if (h > 3 && v > 1) s31 = v128.load(c3, 16);
    }
    let row = b;
    const end = a + <usize>(4 * h * depth);
    for (; a < end; a += 4 * h, row += 16 * v) {
      const b0 = v128.load(row);
      const b1 = v > 1 ? v128.load(row, 16) : b0;
      if (h > 0) {
        const x = v128.load32_splat(a, 0);
        s00 = step(s00, x, b0);
        if (v > 1) s01 = step(s01, x, b1);
      }
      if (h > 1) {
        const x = v128.load32_splat(a, 4);
        s10 = step(s10, x, b0);
        if (v > 1) s11 = step(s11, x, b1);
      }
      if (h > 2) {
        const x = v128.load32_splat(a, 8);
        s20 = step(s20, x, b0);
        if (v > 1) s21 = step(s21, x, b1);
      }
      if (h > 3) {
        const x = v128.load32_splat(a, 12);
        s30 = step(s30, x, b0);
        if (v > 1) s31 = step(s31, x, b1);
      }
    }
    if (mode == ACCUMULATE) {
      accumulate(c0, s00);
      if (v > 1) accumulate(c0 + 16, s01);
      if (h > 1) accumulate(c1, s10);
      if (h > 1 && v > 1) accumulate(c1 + 16, s11);
      if (h > 2) accumulate(c2, s20);
      if (h > 2 && v > 1) accumulate(c2 + 16, s21);
      if (h > 3) accumulate(c3, s30);
      if (h > 3 && v > 1) accumulate(c3 + 16, s31);
    } else {
      v128.store(c0, s00);
      if (v > 1) v128.store(c0, s01, 16);
      if (h > 1) v128.store(c1, s10);
      if (h > 1 && v > 1) v128.store(c1, s11, 16);
      if (h > 2) v128.store(c2, s20);
      if (h > 2 && v > 1) v128.store(c2, s21, 16);
      if (h > 3) v128.store(c3, s30);
      if (h > 3 && v > 1) v128.store(c3, s31, 16);
    }
    c += <usize>h * rowBytes;
  }
}

function tiles1x1(a: usize, b: usize, depth: i32, count: i32, c: usize, rowBytes: usize, mode: i32): void {
  tiles(1, 1, a, b, depth, count, c, rowBytes, mode);
}
function tiles2x1(a: usize, b: usize, depth: i32, count: i32, c: usize, rowBytes: usize, mode: i32): void {
  tiles(2, 1, a, b, depth, count, c, rowBytes, mode);
}
function tiles3x1(a: usize, b: usize, depth: i32, count: i32, c: usize, rowBytes: usize, mode: i32): void {
  tiles(3, 1, a, b, depth, count, c, rowBytes, mode);
}
function tiles4x1(a: usize, b: usize, depth: i32, count: i32, c: usize, rowBytes: usize, mode: i32): void {
  tiles(4, 1, a, b, depth, count, c, rowBytes, mode);
}
function tiles1x2(a: usize, b: usize, depth: i32, count: i32, c: usize, rowBytes: usize, mode: i32): void {
  tiles(1, 2, a, b, depth, count, c, rowBytes, mode);
}
function tiles2x2(a: usize, b: usize, depth: i32, count: i32, c: usize, rowBytes: usize, mode: i32): void {
  tiles(2, 2, a, b, depth, count, c, rowBytes, mode);
}
function tiles3x2(a: usize, b: usize, depth: i32, count: i32, c: usize, rowBytes: usize, mode: i32): void {
  tiles(3, 2, a, b, depth, count, c, rowBytes, mode);
}
function tiles4x2(a: usize, b: usize, depth: i32, count: i32, c: usize, rowBytes: usize, mode: i32): void {
  tiles(4, 2, a, b, depth, count, c, rowBytes, mode);
}

export function densePanel(
  h: i32,
  v: i32,
  a: usize,
  b: usize,
  depth: i32,
  count: i32,
  c: usize,
  rowBytes: usize,
  mode: i32,
): void {
  switch (2 * h + v) {
    case 3:
      return tiles1x1(a, b, depth, count, c, rowBytes, mode);
    case 4:
      return tiles1x2(a, b, depth, count, c, rowBytes, mode);
    case 5:
      return tiles2x1(a, b, depth, count, c, rowBytes, mode);
    case 6:
      return tiles2x2(a, b, depth, count, c, rowBytes, mode);
    case 7:
      return tiles3x1(a, b, depth, count, c, rowBytes, mode);
    case 8:
      return tiles3x2(a, b, depth, count, c, rowBytes, mode);
    case 9:
      return tiles4x1(a, b, depth, count, c, rowBytes, mode);
    default:
      return tiles4x2(a, b, depth, count, c, rowBytes, mode);
  }
}
