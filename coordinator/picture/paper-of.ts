/**
 * The lightness of the paper at each pixel, also where ink covers it. A drawing has paper of one lightness, which its border
 * shows. On a photo, the light falls off towards the corners, and one side is darker: there, a smooth surface is fitted to
 * the border first, and then to everything that lies near that surface. Pure.
 */
import { borderOf, type Grey, median } from './grey.js';

/** If most of the border differs by less than this, of 255, the paper has one lightness. */
const EVEN = 12;
/** Fits after the first one, and the distance from the surface within which a pixel is paper. */
const FITS = 4;
const NEAR = 15;
/** The surface is fitted to about this many points along the longer side. */
const POINTS = 64;

export function paperOf(grey: Grey): Float32Array {
  const border = borderOf(grey).sort();
  const spread = border[Math.floor(0.9 * border.length)] - border[Math.floor(0.1 * border.length)];
  if (spread < EVEN) return new Float32Array(grey.values.length).fill(median(border));
  const surface = surfaceOf(pointsOf(grey));
  return grey.values.map((_, i) => heightAt(surface, ...placeOf(i, grey)));
}

interface GreyPoint {
  /** From -1 to 1 across the picture. */
  readonly x: number;
  readonly y: number;
  readonly value: number;
}

function placeOf(i: number, { width, height }: Grey): [x: number, y: number] {
  const along = (at: number, length: number) => (length === 1 ? 0 : (2 * at) / (length - 1) - 1);
  return [along(i % width, width), along(Math.floor(i / width), height)];
}

/** Points of the picture at even distances, and on all four sides. */
function pointsOf(grey: Grey): GreyPoint[] {
  const { width, height, values } = grey;
  const step = Math.ceil(Math.max(width, height) / POINTS);
  const isTaken = (at: number, length: number) => at % step === 0 || at === length - 1;
  const points: GreyPoint[] = [];
  for (let i = 0; i < values.length; i++) {
    if (!isTaken(i % width, width) || !isTaken(Math.floor(i / width), height)) continue;
    const [x, y] = placeOf(i, grey);
    points.push({ x, y, value: values[i] });
  }
  return points;
}

/** The coefficients of `terms`. */
type Surface = readonly number[];

const terms = (x: number, y: number) => [1, x, y, x * x, x * y, y * y];

function heightAt(surface: Surface, x: number, y: number): number {
  return terms(x, y).reduce((sum, term, n) => sum + surface[n] * term, 0);
}

function surfaceOf(points: readonly GreyPoint[]): Surface {
  let surface = fitted(points.filter(({ x, y }) => Math.abs(x) === 1 || Math.abs(y) === 1));
  for (let fit = 0; fit < FITS; fit++) {
    const near = points.filter(({ x, y, value }) => Math.abs(value - heightAt(surface, x, y)) < NEAR);
    if (near.length > points.length / 4) surface = fitted(near);
  }
  return surface;
}

/** Least squares: the normal equations, solved by elimination. */
function fitted(points: readonly GreyPoint[]): Surface {
  const count = terms(0, 0).length;
  const rows = Array.from({ length: count }, () => new Array<number>(count + 1).fill(0));
  for (const { x, y, value } of points) {
    const all = [...terms(x, y), value];
    for (let n = 0; n < count; n++) for (let k = 0; k <= count; k++) rows[n][k] += all[n] * all[k];
  }
  // Where the points say nothing of a term, it stays 0.
  for (let n = 0; n < count; n++) rows[n][n] += 1e-6;
  for (let n = 0; n < count; n++) {
    for (let other = 0; other < count; other++) {
      if (other === n) continue;
      const factor = rows[other][n] / rows[n][n];
      for (let k = n; k <= count; k++) rows[other][k] -= factor * rows[n][k];
    }
  }
  return rows.map((row, n) => row[count] / row[n]);
}
