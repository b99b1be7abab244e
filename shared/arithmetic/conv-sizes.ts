/** The sizes of a convolution, by the names that `Kernels` gives them. */
export interface ConvSizes {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  /** Extent of the square kernel along both axes. */
  readonly kernel: number;
  readonly stride: number;
  /** Positions on each side of the image that count as +0. */
  readonly padding: number;
  readonly outputs: number;
}

/** Number of positions of the kernel along an axis of this extent: below 1 if it is too large. */
export function positionsAlong(
  extent: number,
  { kernel, stride, padding }: Pick<ConvSizes, 'kernel' | 'stride' | 'padding'>,
): number {
  return Math.floor((extent + 2 * padding - kernel) / stride) + 1;
}
