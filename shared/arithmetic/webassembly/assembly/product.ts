/**
 * C = A B, for the three products of a dense layer. The product is divided into blocks that fit into the caches. If A
 * has enough zeros, the blocks use lists of its non-zeros. Otherwise they use packed tiles. Both ways compute the same
 * bits, because each sum starts from +0 and goes through the inner index in ascending order.
 */
import { BLOCK_DEPTH, denseBlock, sparseBlock } from './blocks';
import { ACCUMULATE, COLUMNS, CONTINUE, PIXELS, ROWS, SAMPLES } from './modes';
import { zero } from './vector';

/** Columns of C that are computed together. Their packed block of B stays in the second cache. */
const GROUP_COLUMNS = 1024;
/** With up to this many columns, making an entry of a list costs more time than the products with it. */
const FEW_COLUMNS = 16;

/**
 * C[i, j] = sum over k of A[i, k] B[k, j], written as `mode` says. B and C have rows of `width` floats. `left` says
 * what the items of A are. For rows or columns of a matrix, `a` is its first float and `aBytes` is the length of a row.
 * For packed samples or their pixels, `aBytes` is the length of a sample's bounds.
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

/**
 * Whether less than `part` quarters of A are non-zero. Up to four rows of A are counted. The answer influences only the
 * speed, not the result.
 */
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

/** Computes a product with plain loops. It is for rows of B that are shorter than a vector. */
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
