/** A decoded picture, and what is wrong with one that cannot be decoded. */
import { limits } from '../../shared/limits.js';

export interface Picture {
  readonly width: number;
  readonly height: number;
  /** Four bytes per pixel, row by row: red, green, blue, and how much covers what is behind. */
  readonly rgba: Uint8Array;
}

/** Says why a picture cannot be used. The message is a clause such as "it is truncated". */
export class MalformedPicture extends Error {}

/** Checks a size that a file states, before anything is allocated from it. Throws `MalformedPicture`. */
export function checkSize(width: number, height: number): void {
  if (width < 1 || height < 1) throw new MalformedPicture(`its size is ${width} x ${height}, which has no pixels`);
  if (width * height <= limits.picturePixelsMax) return;
  const most = `more than ${limits.picturePixelsMax / 1e6} million pixels`;
  throw new MalformedPicture(`its size is ${width} x ${height}, ${most}: make it smaller`);
}
