/**
 * How a drawing lies in an image like MNIST's: it fills a box of 20 x 20 pixels in 28 x 28 by its longer side, and its centre
 * of mass is the centre of the image (LeCun et al. 1998). The pad of the dashboard and `lockstep predict` both use this, the
 * one for strokes of a pen and the other for pictures.
 */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** MNIST's images: their side, and the side of the box that holds the ink. */
const SIDE = 28;
const BOX = 20;

/** A radius that looks like that of MNIST's pen, in pixels of MNIST's images. */
export const penRadius = 1.15;

/** Pixels of an image of this size for one pixel of MNIST's. */
export function unitOf(rows: number, columns: number): number {
  return Math.min(rows, columns) / SIDE;
}

/** The side of the box that holds the ink, in pixels. */
export function boxSide(rows: number, columns: number): number {
  return BOX * unitOf(rows, columns);
}

/**
 * Paints a drawing so that its centre of mass is the centre of the image. `middle` is the middle of the drawing. `paint`
 * returns one number from 0 to 255 per pixel, for the drawing moved by dx and dy. It is called twice: the first image has
 * the middle in its centre, and shows where the centre of mass is.
 */
export function centred(
  rows: number,
  columns: number,
  middle: Point,
  paint: (dx: number, dy: number) => ArrayLike<number>,
): Uint8Array {
  const boxed = paint(columns / 2 - middle.x, rows / 2 - middle.y);
  const mass = centreOfMass(boxed, rows, columns);
  return Uint8Array.from(paint(columns - middle.x - mass.x, rows - middle.y - mass.y), Math.round);
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
