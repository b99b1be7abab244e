/**
 * Computes one block of a product. It packs the block's part of B if that saves time. Then it packs the block's part of
 * A, or makes lists of its non-zeros, and runs the panels over both.
 */
import { densePanel, PANEL_COLUMNS, TILE_ITEMS } from './dense';
import { add, transposeBlock } from './elementwise';
import { listColumns, listPixels, listRows, listSamples } from './lists';
import { ACCUMULATE, COLUMNS, CONTINUE, ROWS, SAMPLES, STORE } from './modes';
import { ENTRY_BYTES, LIST_BYTES, panelVectors, sparsePanel } from './sparse';
import { zero } from './vector';

const BLOCK_ITEMS = 64;
/** Number of entries of A in a packed block. */
const BLOCK_ENTRIES = 8192;
/** Unused space at the end of a list, in entries: see `spreadBytes` in lists.ts. */
const SPREAD_ENTRIES = 16;
/** Unused columns that a packed block of B may have, because the rows of all its panels have the same length. */
const PADDING_COLUMNS = 96;
/** Inner indices of one part of the lists. A panel of B of this depth stays in the first cache for all items. */
export const BLOCK_DEPTH = 128;

/** Bytes of a row of the temporary for the columns at the right edge of C. */
const EDGE_ROW_BYTES: usize = 4 * PANEL_COLUMNS;

/**
 * The scratch holds first the lists or the temporary, then (from here on) the block of A, then the packed block of B.
 */
const A_AT: usize = <usize>BLOCK_ITEMS * EDGE_ROW_BYTES;

// @inline
function packedAt(scratch: usize, depth: i32): usize {
  return scratch + A_AT + ENTRY_BYTES * <usize>(BLOCK_ITEMS * (depth + SPREAD_ENTRIES));
}

/** Where the sums of a block of items are, if they are added to C only when complete: after the packed block of B. */
// @inline
function sumsAt(scratch: usize, depth: i32, columns: i32): usize {
  return packedAt(scratch, depth) + ((<usize>(depth * (columns + PADDING_COLUMNS))) << 2);
}

// @inline
function itemsPerBlock(depth: i32): i32 {
  return max(TILE_ITEMS, min(BLOCK_ITEMS, BLOCK_ENTRIES / depth));
}

/** Rows of B up to this length need no packing: they are spread over the cache well enough. */
const UNPACKED_COLUMNS = 128;
/** With fewer items, packing costs more time than it saves. */
const PACKED_ITEMS = 16;

/**
 * Computes a block with lists of A's non-zeros. `k` is the block's first inner index. A block that is deeper than
 * `BLOCK_DEPTH` is computed part by part. If the sums have to be added to C, they are completed in the scratch first,
 * because each sum may be added to C only once.
 */
export function sparseBlock(
  a: usize,
  aBytes: usize,
  left: i32,
  k: i32,
  items: i32,
  depth: i32,
  b: usize,
  rowBytes: usize,
  columns: i32,
  c: usize,
  mode: i32,
  scratch: usize,
): void {
  const entries = scratch + A_AT;
  let panelBytes: usize = 0;
  let bRowBytes = rowBytes;
  if (rowBytes > 4 * UNPACKED_COLUMNS && items >= PACKED_ITEMS) {
    bRowBytes = (<usize>panelVectors((columns + 3) >> 2)) << 4;
    panelBytes = bRowBytes * depth;
    const packed = packedAt(scratch, depth);
    packForLists(b, rowBytes, depth, columns, packed, bRowBytes);
    b = packed;
  }
  const inParts = mode == ACCUMULATE && depth > BLOCK_DEPTH;
  const sums = sumsAt(scratch, depth, columns);
  const sumsBytes = (<usize>((columns + 3) & ~3)) << 2;
  for (let i = 0; i < items; i += BLOCK_ITEMS, c += BLOCK_ITEMS * rowBytes) {
    const count = min(BLOCK_ITEMS, items - i);
    for (let part = 0; part < depth; part += BLOCK_DEPTH) {
      const deep = min(BLOCK_DEPTH, depth - part);
      if (left == ROWS) listRows(a + <usize>i * aBytes, aBytes, count, deep, bRowBytes, scratch, entries);
      else if (left == COLUMNS) {
        listColumns(a + <usize>part * aBytes + ((<usize>i) << 2), aBytes, count, deep, bRowBytes, scratch, entries);
      } else if (left == SAMPLES) listSamples(a, aBytes, i, count, k, deep, bRowBytes, scratch, entries);
      else listPixels(a, aBytes, i, count, part, deep, bRowBytes, scratch, entries);
      const from = b + <usize>part * bRowBytes;
      if (inParts) sparsePanels(scratch, count, from, panelBytes, columns, sums, sumsBytes, part ? CONTINUE : STORE);
      else sparsePanels(scratch, count, from, panelBytes, columns, c, rowBytes, part ? CONTINUE : mode);
    }
    if (inParts) addSums(sums, sumsBytes, count, columns, c, rowBytes);
  }
}

/** Adds complete sums to C. */
function addSums(sums: usize, sumsBytes: usize, items: i32, columns: i32, c: usize, rowBytes: usize): void {
  for (; items > 0; items--, sums += sumsBytes, c += rowBytes) add(c, sums, c, columns);
}

/** Runs all panels of a block. Packed panels of B are `panelBytes` apart. If B is not packed, `panelBytes` is 0. */
// @inline
function sparsePanels(
  lists: usize,
  items: i32,
  b: usize,
  panelBytes: usize,
  columns: i32,
  c: usize,
  rowBytes: usize,
  mode: i32,
): void {
  const end = lists + <usize>items * LIST_BYTES;
  let left = (columns + 3) >> 2;
  const missing = (left << 4) - (columns << 2);
  while (left > 0) {
    const n = panelVectors(left);
    left -= n;
    const bytes = (<usize>n) << 4;
    const back = left ? 0 : missing;
    sparsePanel(n, lists, end, panelBytes ? b : b - back, c - back, rowBytes, back, mode);
    b += panelBytes ? panelBytes : bytes;
    c += bytes;
  }
}

/**
 * Copies B so that the columns of each panel are contiguous, as `sparsePanel` reads them. The rows of all panels are as
 * long as those of the first panel. B is read row by row, because processors prefetch such reads.
 */
function packForLists(b: usize, rowBytes: usize, depth: i32, columns: i32, packed: usize, packedRowBytes: usize): void {
  const panelBytes = <usize>depth * packedRowBytes;
  const vectors = (columns + 3) >> 2;
  const missing = (vectors << 4) - (columns << 2);
  for (let k = 0; k < depth; k++, b += rowBytes, packed += packedRowBytes) {
    let from = b;
    let to = packed;
    let left = vectors;
    while (left > 0) {
      const n = panelVectors(left);
      left -= n;
      const bytes = (<usize>n) << 4;
      copyVectors(left ? from : from - missing, to, bytes);
      from += bytes;
      to += panelBytes;
    }
  }
}

// @inline
function copyVectors(from: usize, to: usize, bytes: usize): void {
  for (let at: usize = 0; at < bytes; at += 16) v128.store(to + at, v128.load(from + at));
}

/** Computes a block with packed tiles. */
export function denseBlock(
  a: usize,
  aBytes: usize,
  byRows: bool,
  items: i32,
  depth: i32,
  b: usize,
  rowBytes: usize,
  columns: i32,
  c: usize,
  mode: i32,
  scratch: usize,
): void {
  const packedA = scratch + A_AT;
  const packedB = packedAt(scratch, depth);
  packColumns(b, rowBytes, depth, columns, packedB);
  const some = itemsPerBlock(depth);
  for (let i = 0; i < items; i += some, c += <usize>some * rowBytes) {
    const count = min(some, items - i);
    if (byRows) packTiles(a + <usize>i * aBytes, aBytes, 4, count, depth, packedA);
    else packTiles(a + ((<usize>i) << 2), 4, aBytes, count, depth, packedA);
    let panel = packedB;
    for (let column = 0; column < columns; column += PANEL_COLUMNS) {
      const left = columns - column;
      const v = left > 4 ? 2 : 1;
      const at = c + ((<usize>column) << 2);
      if (left >= PANEL_COLUMNS || left == 4) densePanels(v, packedA, panel, depth, count, at, rowBytes, mode);
      else edgePanels(v, packedA, panel, depth, count, at, rowBytes, mode, left, scratch);
      panel += (<usize>(v * depth)) << 4;
    }
  }
}

/** Number of tiles of `items` items. The heights of tiles differ by at most one, and the taller tiles come first. */
// @inline
function tilesFor(items: i32): i32 {
  return (items + TILE_ITEMS - 1) / TILE_ITEMS;
}

function packTiles(a: usize, itemBytes: usize, depthBytes: usize, items: i32, depth: i32, packed: usize): void {
  const tiles = tilesFor(items);
  for (let t = 0; t < tiles; t++) {
    const h = items / tiles + <i32>(t < items % tiles);
    const whole = h == TILE_ITEMS ? depth & ~3 : 0;
    if (itemBytes == 4) packTileOfColumns(a, depthBytes, whole, packed);
    else packTileOfRows(a, itemBytes, whole, packed);
    const step = (<usize>h) << 2;
    for (let j = 0; j < h; j++, a += itemBytes) {
      let from = a + <usize>whole * depthBytes;
      let to = packed + <usize>whole * step + ((<usize>j) << 2);
      for (let k = whole; k < depth; k++, from += depthBytes, to += step) store<u32>(to, load<u32>(from));
    }
    packed += step * depth;
  }
}

/** Packs the first `depth` entries of four rows. `depth` is a multiple of four. */
// @inline
function packTileOfRows(a: usize, itemBytes: usize, depth: i32, packed: usize): void {
  for (let k = 0; k < depth; k += 4, a += 16, packed += 64) transposeBlock(a, itemBytes, packed, 16);
}

/** Packs the first `depth` entries of four columns. */
// @inline
function packTileOfColumns(a: usize, depthBytes: usize, depth: i32, packed: usize): void {
  for (let k = 0; k < depth; k++, a += depthBytes, packed += 16) v128.store(packed, v128.load(a));
}

/** Copies B into panels of eight columns. The last panel has four columns if that is enough. Zeros pad it. */
function packColumns(b: usize, rowBytes: usize, depth: i32, columns: i32, packed: usize): void {
  let column = 0;
  for (; column + PANEL_COLUMNS <= columns; column += PANEL_COLUMNS, b += 4 * PANEL_COLUMNS) {
    let from = b;
    for (let k = 0; k < depth; k++, from += rowBytes, packed += 32) {
      v128.store(packed, v128.load(from));
      v128.store(packed, v128.load(from, 16), 16);
    }
  }
  const left = columns - column;
  if (!left) return;
  const padded: usize = left > 4 ? 32 : 16;
  for (let k = 0; k < depth; k++, b += rowBytes, packed += padded) {
    v128.store(packed, zero());
    v128.store(packed + padded - 16, zero());
    for (let j: usize = 0; j < (<usize>left) << 2; j += 4) store<u32>(packed + j, load<u32>(b + j));
  }
}

function densePanels(v: i32, a: usize, b: usize, depth: i32, items: i32, c: usize, rowBytes: usize, mode: i32): void {
  const tiles = tilesFor(items);
  const h = items / tiles;
  const taller = items % tiles;
  if (taller) densePanel(h + 1, v, a, b, depth, taller, c, rowBytes, mode);
  const done = <usize>(taller * (h + 1));
  densePanel(h, v, a + ((done * depth) << 2), b, depth, tiles - taller, c + done * rowBytes, rowBytes, mode);
}

/**
 * Computes a panel, of whose columns C has only the first `columns`. The panel is computed in a temporary and copied.
 */
function edgePanels(
  v: i32,
  a: usize,
  b: usize,
  depth: i32,
  items: i32,
  c: usize,
  rowBytes: usize,
  mode: i32,
  columns: i32,
  temporary: usize,
): void {
  if (mode != STORE) copyColumns(c, rowBytes, temporary, EDGE_ROW_BYTES, items, columns);
  densePanels(v, a, b, depth, items, temporary, EDGE_ROW_BYTES, mode);
  copyColumns(temporary, EDGE_ROW_BYTES, c, rowBytes, items, columns);
}

function copyColumns(from: usize, fromBytes: usize, to: usize, toBytes: usize, rows: i32, columns: i32): void {
  for (let r = 0; r < rows; r++, from += fromBytes, to += toBytes) {
    for (let j: usize = 0; j < (<usize>columns) << 2; j += 4) store<u32>(to + j, load<u32>(from + j));
  }
}
