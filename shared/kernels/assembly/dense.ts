/**
 * Products with a dense left operand, on packed operands: A in tiles of up to five items, entry k of each side by side,
 * B in panels of one or two vectors of columns, row k of each side by side.
 *
 * The sums of a tile stay in registers: ten, with the two vectors of B, the factor and a temporary, are what the
 * registers of x86-64 hold.
 */
import { ACCUMULATE, CONTINUE } from './modes';
import { zero } from './vector';

export const TILE_ITEMS = 5;
export const PANEL_COLUMNS = 8;

// @inline
function start(mode: i32, at: usize): v128 {
  return mode == CONTINUE ? v128.load(at) : zero();
}

/** sum + a * b, rounded twice. */
// @inline
function step(sum: v128, a: v128, b: v128): v128 {
  return f32x4.add(sum, f32x4.mul(a, b));
}

// @inline
function finish(mode: i32, at: usize, sum: v128): void {
  v128.store(at, mode == ACCUMULATE ? f32x4.add(v128.load(at), sum) : sum);
}

/**
 * `tiles` tiles of `h` items against one panel of `v` vectors; h and v are constants where this is inlined. The tiles
 * of A follow each other.
 */
// @inline
function tiles(h: i32, v: i32, a: usize, b: usize, depth: i32, count: i32, c: usize, rowBytes: usize, mode: i32): void {
  for (; count > 0; count--) {
    const c0 = c;
    const c1 = c0 + rowBytes;
    const c2 = c1 + rowBytes;
    const c3 = c2 + rowBytes;
    const c4 = c3 + rowBytes;
    let s00 = h > 0 && v > 0 ? start(mode, c0 + 0) : zero();
    let s01 = h > 0 && v > 1 ? start(mode, c0 + 16) : zero();
    let s10 = h > 1 && v > 0 ? start(mode, c1 + 0) : zero();
    let s11 = h > 1 && v > 1 ? start(mode, c1 + 16) : zero();
    let s20 = h > 2 && v > 0 ? start(mode, c2 + 0) : zero();
    let s21 = h > 2 && v > 1 ? start(mode, c2 + 16) : zero();
    let s30 = h > 3 && v > 0 ? start(mode, c3 + 0) : zero();
    let s31 = h > 3 && v > 1 ? start(mode, c3 + 16) : zero();
    let s40 = h > 4 && v > 0 ? start(mode, c4 + 0) : zero();
    let s41 = h > 4 && v > 1 ? start(mode, c4 + 16) : zero();
    let row = b;
    const end = a + 4 * h * depth;
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
      if (h > 4) {
        const x = v128.load32_splat(a, 16);
        s40 = step(s40, x, b0);
        if (v > 1) s41 = step(s41, x, b1);
      }
    }
    if (h > 0) {
      finish(mode, c0, s00);
      if (v > 1) finish(mode, c0 + 16, s01);
    }
    if (h > 1) {
      finish(mode, c1, s10);
      if (v > 1) finish(mode, c1 + 16, s11);
    }
    if (h > 2) {
      finish(mode, c2, s20);
      if (v > 1) finish(mode, c2 + 16, s21);
    }
    if (h > 3) {
      finish(mode, c3, s30);
      if (v > 1) finish(mode, c3 + 16, s31);
    }
    if (h > 4) {
      finish(mode, c4, s40);
      if (v > 1) finish(mode, c4 + 16, s41);
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
function tiles5x1(a: usize, b: usize, depth: i32, count: i32, c: usize, rowBytes: usize, mode: i32): void {
  tiles(5, 1, a, b, depth, count, c, rowBytes, mode);
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
function tiles5x2(a: usize, b: usize, depth: i32, count: i32, c: usize, rowBytes: usize, mode: i32): void {
  tiles(5, 2, a, b, depth, count, c, rowBytes, mode);
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
    case 10:
      return tiles4x2(a, b, depth, count, c, rowBytes, mode);
    case 11:
      return tiles5x1(a, b, depth, count, c, rowBytes, mode);
    default:
      return tiles5x2(a, b, depth, count, c, rowBytes, mode);
  }
}
