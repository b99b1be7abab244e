/**
 * Makes an image like MNIST's from the strokes of a pen. The strokes are scaled to fit a box of 20 x 20 pixels in 28 x 28,
 * keeping their proportions, drawn with smooth edges, and moved so that their centre of mass is the centre of the image
 * (LeCun et al. 1998). Scaling strokes, and not a picture of them, gives small and large drawings the same pen width.
 * Pure: no canvas.
 */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** The points of one movement of the pen; a single point is a dot. */
export type PenStroke = readonly Point[];

/** MNIST's images: their side, the side of the box that holds the ink, and a radius that looks like MNIST's pen. */
const MNIST_SIDE = 28;
const MNIST_BOX = 20;
const MNIST_PEN_RADIUS = 1.15;
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
  const unit = Math.min(rows, columns) / MNIST_SIDE;
  const box = boxOf(points);
  const room = (MNIST_BOX - 2 * MNIST_PEN_RADIUS) * unit;
  const longest = Math.max(box.right - box.left, box.bottom - box.top, SCALE_MAX_OF_BOX * extent);
  const scale = room / longest;
  const scaled = strokes.map((stroke) => stroke.map(({ x, y }) => ({ x: x * scale, y: y * scale })));
  const middle = {
    x: (scale * (box.left + box.right)) / 2,
    y: (scale * (box.top + box.bottom)) / 2,
  };
  const boxed = paint(scaled, columns / 2 - middle.x, rows / 2 - middle.y, rows, columns, unit);
  const mass = centreOfMass(boxed, rows, columns);
  return Uint8Array.from(
    paint(scaled, columns - middle.x - mass.x, rows - middle.y - mass.y, rows, columns, unit),
    Math.round,
  );
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

/** The centre of mass of the ink, counted from the corner of the image. */
export function centreOfMass(image: ArrayLike<number>, rows: number, columns: number): Point {
  let [mass, x, y] = [0, 0, 0];
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const ink = image[row * columns + column];
      mass += ink;
      x += ink * (column + 0.5);
      y += ink * (row + 0.5);
    }
  }
  return mass === 0 ? { x: columns / 2, y: rows / 2 } : { x: x / mass, y: y / mass };
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
  const reach = (MNIST_PEN_RADIUS + MNIST_EDGE / 2) * unit;
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
