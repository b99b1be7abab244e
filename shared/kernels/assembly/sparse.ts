/**
 * Products with a sparse left operand: each item of C is a sum of rows of B, one for each non-zero of its list.
 *
 * C[item, columns] = sum over the list's entries of value * B[row, columns], in list order, which is ascending. The
 * sums of up to thirteen vectors stay in registers while the list runs: with the value and a temporary they fill the
 * registers of x86-64. Skipping a zero changes no bit (see `../kernels.ts`).
 */
import { ACCUMULATE, CONTINUE, STORE } from './modes';
import { storeUpper, zero } from './vector';

/** Vectors of C that one pass over the lists computes. */
export const PANEL_VECTORS = 13;

/** An entry of a list: a row of B as a byte offset, and the factor. */
export const ENTRY_BYTES: usize = 8;

/** One list: where its entries start and end. */
export const LIST_BYTES: usize = 8;

// @inline
function start(mode: i32, at: usize): v128 {
  return mode == CONTINUE ? v128.load(at) : zero();
}

/** sum + factor * B[row], rounded twice. */
// @inline
function step(sum: v128, factor: v128, row: usize): v128 {
  return f32x4.add(sum, f32x4.mul(factor, v128.load(row)));
}

// @inline
function finish(mode: i32, at: usize, sum: v128, back: usize): void {
  storeUpper(at, mode == ACCUMULATE ? f32x4.add(v128.load(at), sum) : sum, back);
}

/**
 * One panel of `n` vectors (a constant where this is inlined) for every list. The last vector starts `back` bytes
 * early, where the columns are not a multiple of four: it computes some of its neighbour's columns again and stores
 * only its own, so that nothing outside the rows is touched.
 */
// @inline
function panel(n: i32, lists: usize, end: usize, b: usize, c: usize, rowBytes: usize, back: usize, mode: i32): void {
  for (; lists < end; lists += LIST_BYTES, c += rowBytes) {
    let entry = <usize>load<u32>(lists);
    const last = <usize>load<u32>(lists, 4);
    if (entry == last && mode != STORE) continue;
    const cLast = c - back;
    let s0 = n > 0 ? start(mode, (n == 1 ? cLast : c) + 0) : zero();
    let s1 = n > 1 ? start(mode, (n == 2 ? cLast : c) + 16) : zero();
    let s2 = n > 2 ? start(mode, (n == 3 ? cLast : c) + 32) : zero();
    let s3 = n > 3 ? start(mode, (n == 4 ? cLast : c) + 48) : zero();
    let s4 = n > 4 ? start(mode, (n == 5 ? cLast : c) + 64) : zero();
    let s5 = n > 5 ? start(mode, (n == 6 ? cLast : c) + 80) : zero();
    let s6 = n > 6 ? start(mode, (n == 7 ? cLast : c) + 96) : zero();
    let s7 = n > 7 ? start(mode, (n == 8 ? cLast : c) + 112) : zero();
    let s8 = n > 8 ? start(mode, (n == 9 ? cLast : c) + 128) : zero();
    let s9 = n > 9 ? start(mode, (n == 10 ? cLast : c) + 144) : zero();
    let s10 = n > 10 ? start(mode, (n == 11 ? cLast : c) + 160) : zero();
    let s11 = n > 11 ? start(mode, (n == 12 ? cLast : c) + 176) : zero();
    let s12 = n > 12 ? start(mode, (n == 13 ? cLast : c) + 192) : zero();
    for (; entry < last; entry += ENTRY_BYTES) {
      const row = b + <usize>load<u32>(entry);
      const rowLast = row - back;
      const factor = v128.load32_splat(entry, 4);
      if (n > 0) s0 = step(s0, factor, (n == 1 ? rowLast : row) + 0);
      if (n > 1) s1 = step(s1, factor, (n == 2 ? rowLast : row) + 16);
      if (n > 2) s2 = step(s2, factor, (n == 3 ? rowLast : row) + 32);
      if (n > 3) s3 = step(s3, factor, (n == 4 ? rowLast : row) + 48);
      if (n > 4) s4 = step(s4, factor, (n == 5 ? rowLast : row) + 64);
      if (n > 5) s5 = step(s5, factor, (n == 6 ? rowLast : row) + 80);
      if (n > 6) s6 = step(s6, factor, (n == 7 ? rowLast : row) + 96);
      if (n > 7) s7 = step(s7, factor, (n == 8 ? rowLast : row) + 112);
      if (n > 8) s8 = step(s8, factor, (n == 9 ? rowLast : row) + 128);
      if (n > 9) s9 = step(s9, factor, (n == 10 ? rowLast : row) + 144);
      if (n > 10) s10 = step(s10, factor, (n == 11 ? rowLast : row) + 160);
      if (n > 11) s11 = step(s11, factor, (n == 12 ? rowLast : row) + 176);
      if (n > 12) s12 = step(s12, factor, (n == 13 ? rowLast : row) + 192);
    }
    if (n > 0) finish(mode, (n == 1 ? cLast : c) + 0, s0, n == 1 ? back : 0);
    if (n > 1) finish(mode, (n == 2 ? cLast : c) + 16, s1, n == 2 ? back : 0);
    if (n > 2) finish(mode, (n == 3 ? cLast : c) + 32, s2, n == 3 ? back : 0);
    if (n > 3) finish(mode, (n == 4 ? cLast : c) + 48, s3, n == 4 ? back : 0);
    if (n > 4) finish(mode, (n == 5 ? cLast : c) + 64, s4, n == 5 ? back : 0);
    if (n > 5) finish(mode, (n == 6 ? cLast : c) + 80, s5, n == 6 ? back : 0);
    if (n > 6) finish(mode, (n == 7 ? cLast : c) + 96, s6, n == 7 ? back : 0);
    if (n > 7) finish(mode, (n == 8 ? cLast : c) + 112, s7, n == 8 ? back : 0);
    if (n > 8) finish(mode, (n == 9 ? cLast : c) + 128, s8, n == 9 ? back : 0);
    if (n > 9) finish(mode, (n == 10 ? cLast : c) + 144, s9, n == 10 ? back : 0);
    if (n > 10) finish(mode, (n == 11 ? cLast : c) + 160, s10, n == 11 ? back : 0);
    if (n > 11) finish(mode, (n == 12 ? cLast : c) + 176, s11, n == 12 ? back : 0);
    if (n > 12) finish(mode, (n == 13 ? cLast : c) + 192, s12, n == 13 ? back : 0);
  }
}

function panel1(lists: usize, end: usize, b: usize, c: usize, rowBytes: usize, back: usize, mode: i32): void {
  panel(1, lists, end, b, c, rowBytes, back, mode);
}
function panel2(lists: usize, end: usize, b: usize, c: usize, rowBytes: usize, back: usize, mode: i32): void {
  panel(2, lists, end, b, c, rowBytes, back, mode);
}
function panel3(lists: usize, end: usize, b: usize, c: usize, rowBytes: usize, back: usize, mode: i32): void {
  panel(3, lists, end, b, c, rowBytes, back, mode);
}
function panel4(lists: usize, end: usize, b: usize, c: usize, rowBytes: usize, back: usize, mode: i32): void {
  panel(4, lists, end, b, c, rowBytes, back, mode);
}
function panel5(lists: usize, end: usize, b: usize, c: usize, rowBytes: usize, back: usize, mode: i32): void {
  panel(5, lists, end, b, c, rowBytes, back, mode);
}
function panel6(lists: usize, end: usize, b: usize, c: usize, rowBytes: usize, back: usize, mode: i32): void {
  panel(6, lists, end, b, c, rowBytes, back, mode);
}
function panel7(lists: usize, end: usize, b: usize, c: usize, rowBytes: usize, back: usize, mode: i32): void {
  panel(7, lists, end, b, c, rowBytes, back, mode);
}
function panel8(lists: usize, end: usize, b: usize, c: usize, rowBytes: usize, back: usize, mode: i32): void {
  panel(8, lists, end, b, c, rowBytes, back, mode);
}
function panel9(lists: usize, end: usize, b: usize, c: usize, rowBytes: usize, back: usize, mode: i32): void {
  panel(9, lists, end, b, c, rowBytes, back, mode);
}
function panel10(lists: usize, end: usize, b: usize, c: usize, rowBytes: usize, back: usize, mode: i32): void {
  panel(10, lists, end, b, c, rowBytes, back, mode);
}
function panel11(lists: usize, end: usize, b: usize, c: usize, rowBytes: usize, back: usize, mode: i32): void {
  panel(11, lists, end, b, c, rowBytes, back, mode);
}
function panel12(lists: usize, end: usize, b: usize, c: usize, rowBytes: usize, back: usize, mode: i32): void {
  panel(12, lists, end, b, c, rowBytes, back, mode);
}
function panel13(lists: usize, end: usize, b: usize, c: usize, rowBytes: usize, back: usize, mode: i32): void {
  panel(13, lists, end, b, c, rowBytes, back, mode);
}

export function sparsePanel(
  n: i32,
  lists: usize,
  end: usize,
  b: usize,
  c: usize,
  rowBytes: usize,
  back: usize,
  mode: i32,
): void {
  switch (n) {
    case 1:
      return panel1(lists, end, b, c, rowBytes, back, mode);
    case 2:
      return panel2(lists, end, b, c, rowBytes, back, mode);
    case 3:
      return panel3(lists, end, b, c, rowBytes, back, mode);
    case 4:
      return panel4(lists, end, b, c, rowBytes, back, mode);
    case 5:
      return panel5(lists, end, b, c, rowBytes, back, mode);
    case 6:
      return panel6(lists, end, b, c, rowBytes, back, mode);
    case 7:
      return panel7(lists, end, b, c, rowBytes, back, mode);
    case 8:
      return panel8(lists, end, b, c, rowBytes, back, mode);
    case 9:
      return panel9(lists, end, b, c, rowBytes, back, mode);
    case 10:
      return panel10(lists, end, b, c, rowBytes, back, mode);
    case 11:
      return panel11(lists, end, b, c, rowBytes, back, mode);
    case 12:
      return panel12(lists, end, b, c, rowBytes, back, mode);
    default:
      return panel13(lists, end, b, c, rowBytes, back, mode);
  }
}
