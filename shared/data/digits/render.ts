/**
 * Draws line segments as ink on a grid of 28 x 28 pixels. A pixel gets darker the closer it is to the nearest segment.
 * The code uses only float64 operations that every engine rounds alike (+ - * /, square root, floor), so the images are
 * the same on every machine.
 */
import type { Random } from '../../random.js';

export const SIDE = 28;

/** The width of the stroke and the blur of the scan, in pixels. */
export interface Pen {
  /** Half the stroke's width at its first and at its last segment. */
  readonly radiusFirst: number;
  readonly radiusLast: number;
  /** Width of the soft edge between ink and paper, as a scanner's blur makes it. */
  readonly blur: number;
}

/** Sets `depth` of every pixel: from 0 (paper) to 1 (completely inside the ink). */
export function inkDepth(segments: Float64Array, count: number, pen: Pen, depth: Float64Array): void {
  depth.fill(0);
  for (let i = 0; i < count; i++) {
    const radius = pen.radiusFirst + ((pen.radiusLast - pen.radiusFirst) * i) / count;
    inkSegment(segments, 4 * i, radius, pen.blur, depth);
  }
}

/** Adds the ink of one segment. It visits only the pixels that the segment's ink can reach. */
function inkSegment(segments: Float64Array, at: number, radius: number, blur: number, depth: Float64Array): void {
  const [ax, ay, bx, by] = [segments[at], segments[at + 1], segments[at + 2], segments[at + 3]];
  const reach = radius + blur / 2;
  const [left, right] = [firstPixel(Math.min(ax, bx) - reach), lastPixel(Math.max(ax, bx) + reach)];
  const [top, bottom] = [firstPixel(Math.min(ay, by) - reach), lastPixel(Math.max(ay, by) + reach)];
  const [dx, dy] = [bx - ax, by - ay];
  const perLength = 1 / (dx * dx + dy * dy + 1e-12);
  for (let row = top; row <= bottom; row++) {
    for (let column = left; column <= right; column++) {
      const pixel = row * SIDE + column;
      if (depth[pixel] === 1) continue;
      const [px, py] = [column - ax, row - ay];
      const t = Math.max(0, Math.min(1, (px * dx + py * dy) * perLength));
      const [ex, ey] = [px - t * dx, py - t * dy];
      const squared = ex * ex + ey * ey;
      if (squared >= reach * reach) continue;
      const inside = (reach - Math.sqrt(squared)) / blur;
      if (inside > depth[pixel]) depth[pixel] = Math.min(inside, 1);
    }
  }
}

function firstPixel(x: number): number {
  return Math.max(0, Math.ceil(x));
}

function lastPixel(x: number): number {
  return Math.min(SIDE - 1, Math.floor(x));
}

/** Turns depths into bytes, with a random darkness and grain of the ink. One image in eight gets a speck. */
export function scan(depth: Float64Array, random: Random, image: Uint8Array): void {
  const dark = 215 + 40 * random.uniform();
  const grain = 20 + 50 * random.uniform();
  for (let i = 0; i < image.length; i++) {
    if (depth[i] === 0) continue;
    const value = dark * depth[i] - grain * random.uniform() * random.uniform();
    image[i] = Math.max(0, Math.floor(value));
  }
  if (random.below(8) === 0) image[random.below(image.length)] |= 32 + random.below(128);
}
