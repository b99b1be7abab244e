/** Sizes that the code in `assembly/` relies on: each follows from the formats and loops of the file that it names. */
import type { KernelSizes } from '../backend.js';

/** Bytes of a record: pixels, or a list with two bytes for each of up to three quarters of them, and its bounds. */
function recordBytesMax(pixels: number): number {
  const list = 4 * (Math.ceil(pixels / 64) + 1) + 2 * Math.floor((3 * pixels) / 4);
  return Math.ceil(Math.max(list, 4 + pixels) / 4) * 4;
}

/**
 * Floats of a packed micro-batch: its floats, or lists with three bytes for each pixel, their bounds, a table, and room
 * for one list more.
 */
function packedFloats(rows: number, pixels: number): number {
  return 320 + pixels + rows * (pixels + Math.ceil(pixels / 64) + 1);
}

/**
 * Floats of scratch that any kernel may use for a layer of these sizes: lists of the non-zero inputs or packed inputs,
 * or sums, a packed block of the other operand, and sums of 64 rows.
 */
function scratchFloats(rows: number, inputs: number, outputs: number): number {
  const depth = Math.max(rows, 128);
  const columns = Math.min(Math.max(inputs, outputs), 1024) + 96;
  return 1024 + 128 * (depth + 16) + (depth + 64) * columns;
}

export const sizes: KernelSizes = { recordBytesMax, packedFloats, scratchFloats };
