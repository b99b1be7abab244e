/** The geometry of pooling: which inputs a window has, and where the windows of an image are. */
import { assert } from '../../assert.js';
import type { Shape } from './layer.js';

/** The extents of an image between two layers. The values of a position, one per channel, follow each other. */
export interface Extents {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

const isImage = (shape: Shape) => shape.length === 2 || shape.length === 3;

/** Reads [height, width, channels], or [height, width] for one channel. */
export function extentsOf(shape: Shape): Extents {
  assert(isImage(shape), 'not the shape of an image:', shape);
  const [height, width, channels = 1] = shape;
  return { height, width, channels };
}

/** Says why inputs of this shape have no windows of this size. Null means that they have. */
export function windowMisfit(shape: Shape, size: number): string | null {
  const misfit = imageMisfit(shape);
  if (misfit !== null) return misfit;
  const { height, width } = extentsOf(shape);
  if (size <= height && size <= width) return null;
  return `has windows of ${size} x ${size}, which do not fit into its input of [${shape.join(', ')}]`;
}

/** Says that a shape is not that of an image. Null means that it is. */
export function imageMisfit(shape: Shape): string | null {
  return isImage(shape) ? null : `takes images of [height, width, channels], but its input is [${shape.join(', ')}]`;
}

/** Where windows lie in a sample. A value of an image is named by its index among the floats of the sample. */
interface WindowPlaces {
  /** The first value of each window, in channel 0. Windows are in row-major order. */
  readonly starts: Int32Array;
  /** The distance of each value of a window from its first, row by row. */
  readonly offsets: Int32Array;
}

/** The windows of a pooling layer. They all lie inside of the image. */
export class Windows {
  /** One value per window and channel. */
  readonly output: Shape;
  private made: WindowPlaces | null = null;

  /** `image` is at least as large as a window. `stride` is the distance from a window to the next. */
  constructor(
    readonly image: Extents,
    private readonly size: Pick<Extents, 'height' | 'width'>,
    private readonly stride: number,
  ) {
    const windows = (extent: number, size: number) => Math.floor((extent - size) / stride) + 1;
    this.output = [windows(image.height, size.height), windows(image.width, size.width), image.channels];
  }

  /** Made when it is first needed, because a description is only checked as a whole after its layers are built. */
  get places(): WindowPlaces {
    this.made ??= this.make();
    return this.made;
  }

  private make(): WindowPlaces {
    const { image, size, stride } = this;
    const [rows, columns] = this.output;
    const grid = (height: number, width: number, step: number): Int32Array =>
      Int32Array.from({ length: height * width }, (_, i) => {
        const [y, x] = [step * Math.floor(i / width), step * (i % width)];
        return (y * image.width + x) * image.channels;
      });
    return { starts: grid(rows, columns, stride), offsets: grid(size.height, size.width, 1) };
  }
}
