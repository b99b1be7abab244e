/** Turns what is drawn in a picture into an image like MNIST's, as the pad of the dashboard does with strokes. Pure. */
import { boxSide, centred, penRadius, unitOf } from '../../shared/data/centring.js';
import type { Ink } from './ink-of.js';
import { type Plane, resample } from './resample.js';

/** A stroke that is thinner than this share of MNIST's pen is made as thick as the pen. */
const THIN = 0.6;

/** One byte per pixel, row by row. The ink fills the box of such an image, and its centre of mass is in the middle. */
export function drawnSample(ink: Ink, rows: number, columns: number): Uint8Array {
  const cut = cropped(ink, 0);
  const scale = boxSide(rows, columns) / Math.max(cut.width, cut.height);
  const pen = (2 * penRadius * unitOf(rows, columns)) / scale;
  const thickness = thicknessOf(cropped(ink, 1));
  const lacking = thickness < THIN * pen ? Math.round((pen - thickness) / 2) : 0;
  const thick = lacking === 0 ? cut : thickened(cropped(ink, lacking), lacking);
  const fitting = boxSide(rows, columns) / Math.max(thick.width, thick.height);
  const middle = { x: (fitting * thick.width) / 2, y: (fitting * thick.height) / 2 };
  return centred(rows, columns, middle, (dx, dy) => {
    return darkened(resample(thick, { scale: fitting, dx, dy }, columns, rows).values);
  });
}

/** The part of a picture that has ink, with a margin of this many pixels. */
function cropped({ width, height, values }: Ink, margin: number): Plane {
  const box = { left: width, right: -1, top: height, bottom: -1 };
  values.forEach((value, i) => {
    if (value === 0) return;
    const [x, y] = [i % width, Math.floor(i / width)];
    box.left = Math.min(box.left, x);
    box.right = Math.max(box.right, x);
    box.top = Math.min(box.top, y);
    box.bottom = Math.max(box.bottom, y);
  });
  const [columns, rows] = [box.right - box.left + 1 + 2 * margin, box.bottom - box.top + 1 + 2 * margin];
  const cut = new Float32Array(columns * rows);
  for (let y = box.top; y <= box.bottom; y++) {
    const line = values.subarray(y * width + box.left, y * width + box.right + 1);
    cut.set(line, (y - box.top + margin) * columns + margin);
  }
  return { width: columns, height: rows, values: cut };
}

/**
 * The thickness of the strokes in pixels, about: their area, divided by half the length of their edges. A long stroke has an
 * edge on each side. The plane has a margin without ink.
 */
function thicknessOf({ width, height, values }: Plane): number {
  let [area, edges] = [0, 0];
  for (let y = 1; y < height; y++) {
    for (let x = 1; x < width; x++) {
      const at = y * width + x;
      area += values[at];
      edges += Math.hypot(values[at] - values[at - 1], values[at] - values[at - width]);
    }
  }
  return (2 * area) / edges;
}

/** Every pixel gets the most ink of the square around it that reaches `radius` pixels far. */
function thickened(plane: Plane, radius: number): Plane {
  return spread(spread(plane, radius, 1), radius, plane.width);
}

/** The same along one axis. `step` is the distance in the list between two neighbours on it. */
function spread({ width, height, values }: Plane, radius: number, step: number): Plane {
  const length = step === 1 ? width : height;
  const most = values.map((_, i) => {
    const at = step === 1 ? i % width : Math.floor(i / width);
    let found = 0;
    for (let k = -Math.min(radius, at); k <= Math.min(radius, length - 1 - at); k++) {
      found = Math.max(found, values[i + k * step]);
    }
    return found;
  });
  return { width, height, values: most };
}

/** The darkest pixel of an image of MNIST is black. Reducing a picture makes its lines paler. */
function darkened(values: Float32Array): Float32Array {
  const most = values.reduce((a, b) => Math.max(a, b), 0);
  return most === 0 ? values : values.map((value) => (255 * value) / most);
}
