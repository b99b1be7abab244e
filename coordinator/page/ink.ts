/**
 * Makes an image like MNIST's from the strokes of a pen. The strokes are scaled to fit the box of such an image, keeping
 * their proportions, drawn with smooth edges, and centred (shared/data/centring.ts). Scaling strokes, and not a picture of
 * them, gives small and large drawings the same pen width. Pure: no canvas.
 */
import { boxSide, centred, type Point, penRadius, unitOf } from '../../shared/data/centring.js';

/** The points of one movement of the pen; a single point is a dot. */
export type PenStroke = readonly Point[];

/** Pixels over which the edge of a line fades. */
const MNIST_EDGE = 1.3;
/** The largest scale, so that a dot stays a dot. */
const SCALE_MAX_OF_BOX = 0.12;

/** One byte per pixel, row by row; null without ink. `extent` is the side of the pad in the strokes' units. */
export function penImage(
  strokes: readonly PenStroke[],
  extent: number,
  rows: number,
  columns: number,
): Uint8Array | null {
  const points = strokes.flat();
  if (points.length === 0) return null;
  const unit = unitOf(rows, columns);
  const box = boxOf(points);
  const room = boxSide(rows, columns) - 2 * penRadius * unit;
  const longest = Math.max(box.right - box.left, box.bottom - box.top, SCALE_MAX_OF_BOX * extent);
  const scale = room / longest;
  const scaled = strokes.map((stroke) => stroke.map(({ x, y }) => ({ x: x * scale, y: y * scale })));
  const middle = {
    x: (scale * (box.left + box.right)) / 2,
    y: (scale * (box.top + box.bottom)) / 2,
  };
  return centred(rows, columns, middle, (dx, dy) => paint(scaled, dx, dy, rows, columns, unit));
}

function boxOf(points: readonly Point[]): { left: number; right: number; top: number; bottom: number } {
  const box = { left: points[0].x, right: points[0].x, top: points[0].y, bottom: points[0].y };
  for (const { x, y } of points) {
    box.left = Math.min(box.left, x);
    box.right = Math.max(box.right, x);
    box.top = Math.min(box.top, y);
    box.bottom = Math.max(box.bottom, y);
  }
  return box;
}

/** A pixel is darker the nearer its centre is to a line. */
function paint(
  strokes: readonly PenStroke[],
  dx: number,
  dy: number,
  rows: number,
  columns: number,
  unit: number,
): Float32Array {
  const image = new Float32Array(rows * columns);
  const reach = (penRadius + MNIST_EDGE / 2) * unit;
  for (const stroke of strokes) {
    for (let i = 0; i < Math.max(stroke.length - 1, 1); i++) {
      const [a, b] = [stroke[i], stroke[Math.min(i + 1, stroke.length - 1)]];
      const line = { ax: a.x + dx, ay: a.y + dy, bx: b.x + dx, by: b.y + dy };
      const top = Math.max(0, Math.floor(Math.min(line.ay, line.by) - reach));
      const bottom = Math.min(rows, Math.ceil(Math.max(line.ay, line.by) + reach));
      const left = Math.max(0, Math.floor(Math.min(line.ax, line.bx) - reach));
      const right = Math.min(columns, Math.ceil(Math.max(line.ax, line.bx) + reach));
      for (let row = top; row < bottom; row++) {
        for (let column = left; column < right; column++) {
          const depth = (reach - distance(column + 0.5, row + 0.5, line)) / (MNIST_EDGE * unit);
          const at = row * columns + column;
          image[at] = Math.max(image[at], 255 * Math.min(1, Math.max(0, depth)));
        }
      }
    }
  }
  return image;
}

/** The distance from a point to a piece of a line. */
function distance(x: number, y: number, line: { ax: number; ay: number; bx: number; by: number }): number {
  const [lengthX, lengthY] = [line.bx - line.ax, line.by - line.ay];
  const squared = lengthX * lengthX + lengthY * lengthY;
  const along = squared === 0 ? 0 : ((x - line.ax) * lengthX + (y - line.ay) * lengthY) / squared;
  const t = Math.min(1, Math.max(0, along));
  return Math.hypot(x - line.ax - t * lengthX, y - line.ay - t * lengthY);
}
