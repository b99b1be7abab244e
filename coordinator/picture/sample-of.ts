/** Makes a sample for a model of a picture. Pure. */
import { drawnSample } from './drawn-sample.js';
import type { Fit } from './fit.js';
import { borderOf, coloursOf, type Grey, greyOf, median } from './grey.js';
import { inkOf } from './ink-of.js';
import { MalformedPicture, type Picture } from './picture.js';
import { resample } from './resample.js';

/** The images that a model takes. */
export interface Frame {
  readonly rows: number;
  readonly columns: number;
  readonly channels: number;
}

/** Null if samples of this shape are no pictures: grey, or red, green and blue. */
export function frameOf([rows, columns, channels = 1, ...more]: readonly number[]): Frame | null {
  const isPicture = rows > 1 && columns > 1 && (channels === 1 || channels === 3) && more.length === 0;
  return isPicture ? { rows, columns, channels } : null;
}

/**
 * One byte per pixel and channel. A grey sample has light ink on a dark ground, as in MNIST. Throws `MalformedPicture` if
 * the ink is wanted and there is none.
 */
export function sampleOf(picture: Picture, frame: Frame, fit: Fit): Uint8Array {
  const { rows, columns, channels } = frame;
  if (channels === 3) return interleaved(coloursOf(picture).map((colour) => whole(colour, frame)));
  const grey = greyOf(picture);
  const isAsItIs = fit === 'auto' && picture.width === columns && picture.height === rows;
  if (fit === 'whole' || isAsItIs) return whole(hasLightBorder(grey) ? negative(grey) : grey, frame);
  const ink = inkOf(grey);
  if (ink !== null) return drawnSample(ink, rows, columns);
  throw new MalformedPicture('it shows nothing: all of it has about the same lightness');
}

/** Scales a picture to the size, keeping its proportions. */
function whole(grey: Grey, { rows, columns }: Frame): Uint8Array {
  const scale = Math.min(columns / grey.width, rows / grey.height);
  const [dx, dy] = [(columns - scale * grey.width) / 2, (rows - scale * grey.height) / 2];
  return Uint8Array.from(resample(grey, { scale, dx, dy }, columns, rows).values, Math.round);
}

function hasLightBorder(grey: Grey): boolean {
  return median(borderOf(grey)) > 127.5;
}

function negative(grey: Grey): Grey {
  return { ...grey, values: grey.values.map((value) => 255 - value) };
}

function interleaved(channels: readonly Uint8Array[]): Uint8Array {
  const count = channels.length;
  return Uint8Array.from({ length: count * channels[0].length }, (_, i) => channels[i % count][Math.floor(i / count)]);
}
