/**
 * Products with a sparse left operand. Each item of C is a sum of rows of B, one row for each non-zero in the item's
 * list.
 *
 * C[item, columns] = sum over the list's entries of value * B[row, columns], in the order of the list, which is
 * ascending. The sums of up to thirteen vectors stay in registers during the loop over the list. Together with the
 * value and a temporary they fill the registers of x86-64. Skipping a zero changes no bit (see `../../kernels.ts`).
 *
 * The order of the statements matters to V8's scheduler (in version 11). If the sums are stored in the order in which
 * the loop computes them, V8 keeps each load next to its multiplication. Otherwise V8 puts all loads first and spills
 * registers. The loop adds only constants to a row's address. For each further register in the address, V8 would reload
 * another register in every round, and decoding instructions is already the bottleneck.
 */
import { ACCUMULATE, CONTINUE, STORE } from './modes';
import { storeUpper, zero } from './vector';

/** Bytes of an entry of a list: the byte offset of a row of B, and the factor. */
export const ENTRY_BYTES: usize = 8;

/** Bytes of the descriptor of a list: the addresses of the start and the end of its entries. */
export const LIST_BYTES: usize = 8;

/**
 * The number of vectors of the next panel, if `left` vectors remain. V8 compiles loops over up to seven vectors well,
 * and loops over twelve or thirteen. Between these sizes, V8 unrolls the loop and spills registers.
 */
export function panelVectors(left: i32): i32 {
  if (left <= 7) return left;
  if (left <= 11) return (left + 1) / 2;
  return left > 12 * ((left + 12) / 13) ? 13 : 12;
}

/** sum + factor * b. The product is rounded, and then the sum. */
// @inline
function step(sum: v128, factor: v128, b: v128): v128 {
  return f32x4.add(sum, f32x4.mul(factor, b));
}

/**
 * Computes one panel of `n` vectors for every list. n is a constant at every place into which this is inlined. If the
 * number of columns is not a multiple of four, `b` and `c` of the last panel point `back` bytes before its first
 * column. Its first vector then also computes what is in front of the panel. It stores only the panel's own columns, so
 * nothing outside the panel is changed.
 */
// @inline
function panel(n: i32, lists: usize, end: usize, b: usize, c: usize, rowBytes: usize, back: usize, mode: i32): void {
  for (; lists < end; lists += LIST_BYTES, c += rowBytes) {
    let entry = <usize>load<u32>(lists);
    const last = <usize>load<u32>(lists, 4);
    if (entry == last && mode != STORE) continue;
    let s0 = zero();
    let s1 = zero();
    let s2 = zero();
    let s3 = zero();
    let s4 = zero();
    let s5 = zero();
    let s6 = zero();
    let s7 = zero();
    let s8 = zero();
    let s9 = zero();
    let s10 = zero();
    let s11 = zero();
    let s12 = zero();
    if (mode == CONTINUE) {
      s0 = v128.load(c);
      if (n > 1) s1 = v128.load(c, 16);
      if (n > 2) s2 = v128.load(c, 32);
      if (n > 3) s3 = v128.load(c, 48);
      if (n > 4) s4 = v128.load(c, 64);
      if (n > 5) s5 = v128.load(c, 80);
      if (n > 6) s6 = v128.load(c, 96);
      if (n > 7) s7 = v128.load(c, 112);
      if (n > 8) s8 = v128.load(c, 128);
      if (n > 9) s9 = v128.load(c, 144);
      if (n > 10) s10 = v128.load(c, 160);
      if (n > 11) s11 = v128.load(c, 176);
      if (n > 12) s12 = v128.load(c, 192);
    }
    for (; entry < last; entry += ENTRY_BYTES) {
      const row = b + <usize>load<u32>(entry);
      const factor = v128.load32_splat(entry, 4);
      s0 = step(s0, factor, v128.load(row));
      if (n > 1) s1 = step(s1, factor, v128.load(row, 16));
      if (n > 2) s2 = step(s2, factor, v128.load(row, 32));
      if (n > 3) s3 = step(s3, factor, v128.load(row, 48));
      if (n > 4) s4 = step(s4, factor, v128.load(row, 64));
      if (n > 5) s5 = step(s5, factor, v128.load(row, 80));
      if (n > 6) s6 = step(s6, factor, v128.load(row, 96));
      if (n > 7) s7 = step(s7, factor, v128.load(row, 112));
      if (n > 8) s8 = step(s8, factor, v128.load(row, 128));
      if (n > 9) s9 = step(s9, factor, v128.load(row, 144));
      if (n > 10) s10 = step(s10, factor, v128.load(row, 160));
      if (n > 11) s11 = step(s11, factor, v128.load(row, 176));
      if (n > 12) s12 = step(s12, factor, v128.load(row, 192));
    }
    if (mode == ACCUMULATE) {
      storeUpper(c, f32x4.add(s0, v128.load(c)), back);
      if (n > 1) v128.store(c, f32x4.add(s1, v128.load(c, 16)), 16);
      if (n > 2) v128.store(c, f32x4.add(s2, v128.load(c, 32)), 32);
      if (n > 3) v128.store(c, f32x4.add(s3, v128.load(c, 48)), 48);
      if (n > 4) v128.store(c, f32x4.add(s4, v128.load(c, 64)), 64);
      if (n > 5) v128.store(c, f32x4.add(s5, v128.load(c, 80)), 80);
      if (n > 6) v128.store(c, f32x4.add(s6, v128.load(c, 96)), 96);
      if (n > 7) v128.store(c, f32x4.add(s7, v128.load(c, 112)), 112);
      if (n > 8) v128.store(c, f32x4.add(s8, v128.load(c, 128)), 128);
      if (n > 9) v128.store(c, f32x4.add(s9, v128.load(c, 144)), 144);
      if (n > 10) v128.store(c, f32x4.add(s10, v128.load(c, 160)), 160);
      if (n > 11) v128.store(c, f32x4.add(s11, v128.load(c, 176)), 176);
      if (n > 12) v128.store(c, f32x4.add(s12, v128.load(c, 192)), 192);
    } else {
      storeUpper(c, s0, back);
      if (n > 1) v128.store(c, s1, 16);
      if (n > 2) v128.store(c, s2, 32);
      if (n > 3) v128.store(c, s3, 48);
      if (n > 4) v128.store(c, s4, 64);
      if (n > 5) v128.store(c, s5, 80);
      if (n > 6) v128.store(c, s6, 96);
      if (n > 7) v128.store(c, s7, 112);
      if (n > 8) v128.store(c, s8, 128);
      if (n > 9) v128.store(c, s9, 144);
      if (n > 10) v128.store(c, s10, 160);
      if (n > 11) v128.store(c, s11, 176);
      if (n > 12) v128.store(c, s12, 192);
    }
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
function panel12(lists: usize, end: usize, b: usize, c: usize, rowBytes: usize, back: usize, mode: i32): void {
  panel(12, lists, end, b, c, rowBytes, back, mode);
}
function panel13(lists: usize, end: usize, b: usize, c: usize, rowBytes: usize, back: usize, mode: i32): void {
  panel(13, lists, end, b, c, rowBytes, back, mode);
}

/** Computes one panel of `n` vectors. n is a result of `panelVectors`. */
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
    case 12:
      return panel12(lists, end, b, c, rowBytes, back, mode);
    default:
      return panel13(lists, end, b, c, rowBytes, back, mode);
  }
}
