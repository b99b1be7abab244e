/** The sizes of buffers that the code in this folder needs. They follow from the formats and loops of that code. */
import type { KernelSizes } from '../backend.js';
import { type ConvSizes, positionsAlong } from '../conv-sizes.js';

/**
 * Bytes of a record. It has the raw pixels, or a list with its bounds and two bytes for each entry. A list has entries
 * for up to three quarters of the pixels.
 */
function recordBytesMax(pixels: number): number {
  const list = 4 * boundsOf(pixels) + 2 * Math.floor((3 * pixels) / 4);
  return Math.ceil(Math.max(list, 4 + pixels) / 4) * 4;
}

/** The bounds of one image: see samples.h. */
function boundsOf(pixels: number): number {
  return Math.ceil(pixels / 64) + 1;
}

/**
 * Floats of a packed micro-batch. It has one float for each pixel; or lists with three bytes for each pixel, their
 * bounds, a table, and space for one further list.
 */
function packedFloats(rows: number, pixels: number): number {
  return 320 + pixels + rows * (pixels + boundsOf(pixels));
}

/**
 * Floats of scratch space that are enough for the kernels of a convolution: see conv.h. It has packed operands, the sums of
 * a gradient, and an image between zeros.
 */
function convScratchFloats(lanes: number, sizes: ConvSizes): number {
  const { height, width, channels, kernel, padding, outputs } = sizes;
  const [down, across] = [positionsAlong(height, sizes), positionsAlong(width, sizes)];
  const whole = Math.ceil(outputs / lanes) * lanes;
  const weights = kernel * kernel * channels * whole;
  const padded = padding === 0 ? 0 : (height + 2 * padding) * (width + 2 * padding) * channels;
  const lists = 64 * (4 + 2 * Math.max(outputs, Math.max(across, 128) + 16));
  const forward = 96 * 4 * lanes + whole + weights + padded;
  const backward = lists + padded;
  const gradient = whole + 2 * weights + padded + Math.max(lists, down * across * whole);
  return 48 + lanes + Math.max(forward, backward, gradient);
}

/** The sizes for kernels whose vectors have `lanes` floats. */
export function sizesFor(lanes: number): KernelSizes {
  return {
    recordBytesMax,
    packedFloats,
    convScratchFloats: (sizes) => convScratchFloats(lanes, sizes),
    /** Floats of scratch space that are enough for any kernel and a layer of these sizes: see product.h and narrow.h. */
    scratchFloats(rows, inputs, outputs) {
      const columns = Math.min(Math.max(inputs, outputs), 1024 + lanes);
      const dense = 96 * 4 * lanes + Math.max(rows, 256) * (128 + columns + 4 * lanes);
      const sparse = 128 * (128 + 18) + Math.max(rows, 128) * (columns + 24 * lanes) + 64 * columns;
      const narrow = 16 * Math.min(inputs, 4096);
      return 64 + Math.max(dense, sparse, narrow, lanes * outputs);
    },
  };
}
