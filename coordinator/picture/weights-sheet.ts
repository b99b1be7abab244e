/**
 * The weights of a first layer as a picture: a tile for each unit, with a pixel for each weight. Positive weights are blue,
 * negative ones red, as on the dashboard, and a weight of 0 is white. All tiles have one scale. Pure.
 */
import type { Model } from '../../shared/model/model.js';
import { inputWidth, tensorSpans } from '../../shared/model/parameters.js';
import type { Sheet } from './mistakes-sheet.js';
import { frameOf } from './sample-of.js';

export interface WeightsSheet extends Sheet {
  /** A weight of this magnitude or more has the full colour. */
  readonly full: number;
}

/** For the scale beside a sheet. */
export const weightColours = { negative: [178, 24, 43], zero: [255, 255, 255], positive: [33, 102, 172] } as const;

const GAP_COLOUR = 60;
const PER_ROW = 4;
/** Pixels of the picture for one weight. */
const ZOOM = 4;
const GAP = 6;

/** How many units the first layer has a picture for: 0 if the samples are no grey images or the layer is not dense. */
export function pictured(model: Model): number {
  const frame = frameOf(model.input);
  const [first] = tensorSpans(model);
  const isDense = first?.shape.length === 2 && first.shape[0] === inputWidth(model);
  return frame?.channels === 1 && isDense ? first.shape[1] : 0;
}

/** `model` has units to be pictured, and all weights of its first layer are finite. */
export function weightsSheet(model: Model, weights: Float32Array): WeightsSheet {
  const { rows, columns } = frameOf(model.input)!;
  const units = pictured(model);
  const [{ offset }] = tensorSpans(model);
  const layer = weights.subarray(offset, offset + rows * columns * units);
  const full = fullMagnitude(layer);
  const across = Math.min(PER_ROW, units);
  const width = GAP + across * (ZOOM * columns + GAP);
  const height = GAP + Math.ceil(units / across) * (ZOOM * rows + GAP);
  const pixels = new Uint8Array(3 * width * height).fill(GAP_COLOUR);
  for (let unit = 0; unit < units; unit++) {
    const left = GAP + (unit % across) * (ZOOM * columns + GAP);
    const top = GAP + Math.floor(unit / across) * (ZOOM * rows + GAP);
    for (let y = 0; y < ZOOM * rows; y++) {
      for (let x = 0; x < ZOOM * columns; x++) {
        const weight = layer[(Math.floor(y / ZOOM) * columns + Math.floor(x / ZOOM)) * units + unit];
        pixels.set(colourOf(weight / full), 3 * ((top + y) * width + left + x));
      }
    }
  }
  return { width, height, pixels, full };
}

/** `part` of the full magnitude. */
function colourOf(part: number): number[] {
  const { zero, positive, negative } = weightColours;
  const towards = part > 0 ? positive : negative;
  const amount = Math.min(1, Math.abs(part));
  return zero.map((from, c) => Math.round(from + (towards[c] - from) * amount));
}

/** A magnitude that 1 of 500 weights exceeds: a few large weights must not make all others pale. */
function fullMagnitude(layer: Float32Array): number {
  const magnitudes = layer.map(Math.abs).sort();
  return Math.max(1e-12, magnitudes[Math.floor(0.998 * (magnitudes.length - 1))]);
}
