/**
 * C = A B for the three products of a dense layer: cut into blocks that fit the caches, by lists of non-zeros where A
 * has enough zeros and by packed tiles where it has not. Both give the same bits: each sum runs over the inner index
 * in ascending order, from +0.
 */
import { BLOCK_DEPTH, denseBlock, sparseBlock } from './blocks';
import { ACCUMULATE, COLUMNS, CONTINUE, PIXELS, ROWS, SAMPLES } from './modes';
import { zero } from './vector';

/** Columns of C that are computed together: their block of B, packed, stays in the second cache. */
const GROUP_COLUMNS = 1024;
/** Up to this many columns, an entry of a list costs more than its few products. */
const FEW_COLUMNS = 16;

/**
 * C[i, j] = sum over k of A[i, k] B[k, j], written as `mode` says. What A's items are says `left`: the rows of a
 * matrix in memory, or its columns, where `a` is its first float and `aBytes` the length of a row; packed samples, or
 * their pixels, where `aBytes` is the length of a sample's bounds. B and C have rows of `width` floats.
 */
export function product(
  a: usize,
  aBytes: usize,
  left: i32,
  items: i32,
  depth: i32,
  b: usize,
  width: i32,
  c: usize,
  mode: i32,
  scratch: usize,
): void {
  const listed = left == SAMPLES || left == PIXELS;
  const byRows = left == ROWS || left == SAMPLES;
  if (width < 4 && !listed) return narrow(a, aBytes, byRows, items, depth, b, width, c, mode);
  const part = width > FEW_COLUMNS ? 3 : 2;
  const sparse = listed || (byRows ? isSparse(a, aBytes, items, depth, part) : isSparse(a, aBytes, depth, items, part));
  const groups = (width + GROUP_COLUMNS - 1) / GROUP_COLUMNS;
  const columns = ((width + groups - 1) / groups + 3) & ~3;
  const rowBytes = (<usize>width) << 2;
  const blockDepth = byRows ? min(depth, BLOCK_DEPTH) : depth;
  for (let column = 0; column < width; column += columns) {
    const offset = (<usize>column) << 2;
    for (let k = 0; k < depth; k += blockDepth) {
      const blockA = listed ? a : a + <usize>k * (byRows ? 4 : aBytes);
      const blockB = b + <usize>k * rowBytes + offset;
      const some = min(columns, width - column);
      const blockMode = k == 0 ? mode : CONTINUE;
      const deep = min(blockDepth, depth - k);
      const blockC = c + offset;
      if (sparse) {
        sparseBlock(blockA, aBytes, left, k, items, deep, blockB, rowBytes, some, blockC, blockMode, scratch);
      } else {
        denseBlock(blockA, aBytes, byRows, items, deep, blockB, rowBytes, some, blockC, blockMode, scratch);
      }
    }
  }
}

/** Whether less than `part` quarters of A are non-zero, judged by up to four of its rows. The answer changes no bit. */
function isSparse(a: usize, aBytes: usize, rows: i32, columns: i32, part: i32): bool {
  const samples = min(rows, 4);
  let present = 0;
  for (let s = 0; s < samples; s++) present += countNonZero(a + <usize>((s * rows) / samples) * aBytes, columns);
  return present * 4 < samples * columns * part;
}

function countNonZero(at: usize, floats: i32): i32 {
  const end = at + ((<usize>floats) << 2);
  let counts = i32x4.splat(0);
  for (; at + 16 <= end; at += 16) counts = i32x4.sub(counts, f32x4.ne(v128.load(at), zero()));
  let count = i32x4.extract_lane(counts, 0) + i32x4.extract_lane(counts, 1);
  count += i32x4.extract_lane(counts, 2) + i32x4.extract_lane(counts, 3);
  for (; at < end; at += 4) count += <i32>(load<f32>(at) != 0);
  return count;
}

/** The plain loops, for rows of B shorter than a vector. */
function narrow(
  a: usize,
  aBytes: usize,
  byRows: bool,
  items: i32,
  depth: i32,
  b: usize,
  width: i32,
  c: usize,
  mode: i32,
): void {
  const itemBytes: usize = byRows ? aBytes : 4;
  const depthBytes: usize = byRows ? 4 : aBytes;
  const rowBytes = (<usize>width) << 2;
  for (let i = 0; i < items; i++, a += itemBytes) {
    for (let j: usize = 0; j < rowBytes; j += 4, c += 4) {
      let sum: f32 = 0;
      for (let k = 0; k < depth; k++)
        sum += load<f32>(a + <usize>k * depthBytes) * load<f32>(b + <usize>k * rowBytes + j);
      store<f32>(c, mode == ACCUMULATE ? load<f32>(c) + sum : sum);
    }
  }
}
