/** The sizes of buffers that the code in `assembly/` needs. They follow from the formats and loops of that code. */
import type { KernelSizes } from '../backend.js';

/**
 * Bytes of a record. It has the raw pixels, or a list with its bounds and two bytes for each entry. A list has entries
 * for up to three quarters of the pixels.
 */
function recordBytesMax(pixels: number): number {
  const list = 4 * (Math.ceil(pixels / 64) + 1) + 2 * Math.floor((3 * pixels) / 4);
  return Math.ceil(Math.max(list, 4 + pixels) / 4) * 4;
}

/**
 * Floats of a packed micro-batch. It has one float for each pixel; or lists with three bytes for each pixel, their
 * bounds, a table, and space for one further list.
 */
function packedFloats(rows: number, pixels: number): number {
  return 320 + pixels + rows * (pixels + Math.ceil(pixels / 64) + 1);
}

/**
 * Floats of scratch space that are enough for any kernel and a layer of these sizes. The scratch has lists of non-zero
 * inputs, packed inputs or sums; a packed block of the other operand; and the sums of 64 rows.
 */
function scratchFloats(rows: number, inputs: number, outputs: number): number {
  const depth = Math.max(rows, 128);
  const columns = Math.min(Math.max(inputs, outputs), 1024) + 96;
  return 1024 + 128 * (depth + 16) + (depth + 64) * columns;
}

export const sizes: KernelSizes = { recordBytesMax, packedFloats, scratchFloats };
