/**
 * What a run does to its training images before the network sees them. Every sample is distorted anew in every epoch, so
 * that the network learns what a digit is and not what these images are.
 *
 * What this is not: the distortion itself (distortion.ts).
 */
import { both, type Check, object, optional, wholeNumber } from '../fields.js';
import { limits } from '../limits.js';

/** `{ "shift": 2, "rotate": 10, "scale": 0.1, "elastic": 4 }`. Each field may be absent, but not all of them. */
export interface AugmentDescription {
  /** The image moves by up to this number of whole pixels, in each direction. */
  readonly shift?: number;
  /** It turns by up to this angle in degrees, either way. */
  readonly rotate?: number;
  /** Height and width are multiplied by factors of their own, from 1 / (1 + scale) to 1 / (1 - scale). */
  readonly scale?: number;
  /** It is bent like rubber: each pixel moves by up to this number of pixels, typically by a third of it. */
  readonly elastic?: number;
}

export const checkAugment: Check = both(
  object<AugmentDescription>({
    shift: optional(wholeNumber(1, limits.augmentShiftMax)),
    rotate: optional(above0(limits.augmentRotateMax)),
    scale: optional(above0(limits.augmentScaleMax)),
    elastic: optional(above0(limits.augmentElasticMax)),
  }),
  (path, x) => (Object.keys(x as object).length > 0 ? null : `${path} must have shift, rotate, scale or elastic`),
);

/** Says why samples of this shape cannot be distorted. Null means that they can. */
export function undistortable(shape: readonly number[]): string | null {
  const { augmentSideMax } = limits;
  if (shape.length !== 2 && shape.length !== 3) {
    return `augmentation takes images of [height, width] or [height, width, channels], and not of [${shape.join(', ')}]`;
  }
  const side = Math.max(shape[0], shape[1]);
  return side <= augmentSideMax
    ? null
    : `augmentation takes images of up to ${augmentSideMax} pixels a side, not ${side}`;
}

function above0(max: number): Check {
  return (path, x) =>
    typeof x === 'number' && x > 0 && x <= max ? null : `${path} must be a number above 0, and ${max} at most`;
}
