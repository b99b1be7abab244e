/**
 * A digit as line segments. A smooth random field bends the template; then it is narrowed, slanted and turned, its
 * curves are divided into short straight pieces, and the shape is placed like the digits of MNIST. One instance serves
 * all images, so that its buffers are allocated only once.
 *
 * The code uses only float64 operations that every engine rounds alike (+ - * /, square root, floor). It uses no sine,
 * cosine or power, because engines may round those differently.
 */
import type { Random } from '../../random.js';
import type { Stroke, Variant } from './templates.js';

/** Number of straight pieces of the curve between two knots. */
const STEPS = 3;
/** More segments than the longest template has. */
const SEGMENTS_MAX = 256;

/** For the end of each of the STEPS pieces: the Catmull-Rom weights of the four knots around it. */
const spline = Array.from({ length: STEPS }, (_, i) => {
  const t = (i + 1) / STEPS;
  return [
    (t * (t * (2 - t) - 1)) / 2,
    (t * t * (3 * t - 5) + 2) / 2,
    (t * (t * (4 - 3 * t) + 1)) / 2,
    (t * t * (t - 1)) / 2,
  ] as const;
});

export class DigitShape {
  /** x0, y0, x1, y1 of each segment. */
  readonly segments = new Float64Array(4 * SEGMENTS_MAX);
  count = 0;

  private readonly coarse = new Field(2);
  private readonly fine = new Field(4);
  private readonly knotsX = new Float64Array(64);
  private readonly knotsY = new Float64Array(64);

  /** Replaces the shape by a random variation of the template. */
  draw(variant: Variant, random: Random): void {
    this.coarse.draw(random, elastic.coarse);
    this.fine.draw(random, elastic.fine);
    const affine = randomAffine(random);
    this.count = 0;
    for (const stroke of variant) {
      this.bend(stroke, affine);
      this.cut(stroke.length / 2, isClosed(stroke));
    }
  }

  /** Scales the shape so that its longer side is `side`, and moves its centre of mass to (x, y). */
  place(side: number, x: number, y: number): void {
    const { segments, count } = this;
    let [left, right, top, bottom] = [1e9, -1e9, 1e9, -1e9];
    let [massX, massY, mass] = [0, 0, 0];
    for (let i = 0; i < 4 * count; i += 4) {
      const [ax, ay, bx, by] = [segments[i], segments[i + 1], segments[i + 2], segments[i + 3]];
      left = Math.min(left, ax, bx);
      right = Math.max(right, ax, bx);
      top = Math.min(top, ay, by);
      bottom = Math.max(bottom, ay, by);
      const length = Math.sqrt((bx - ax) * (bx - ax) + (by - ay) * (by - ay));
      massX += (length * (ax + bx)) / 2;
      massY += (length * (ay + by)) / 2;
      mass += length;
    }
    const scale = side / Math.max(right - left, bottom - top);
    for (let i = 0; i < 4 * count; i += 2) {
      segments[i] = (segments[i] - massX / mass) * scale + x;
      segments[i + 1] = (segments[i + 1] - massY / mass) * scale + y;
    }
  }

  /** Computes the knots of a stroke, moved by the random fields and by the affine map. */
  private bend(stroke: Stroke, [xx, xy, yx, yy]: Affine): void {
    for (let i = 0; i < stroke.length; i += 2) {
      const [u, v] = [stroke[i] / 100, stroke[i + 1] / 100];
      const x = u - 0.5 + this.coarse.x(u, v) + this.fine.x(u, v);
      const y = v - 0.5 + this.coarse.y(u, v) + this.fine.y(u, v);
      this.knotsX[i / 2] = xx * x + xy * y;
      this.knotsY[i / 2] = yx * x + yy * y;
    }
  }

  /** Appends the segments of the curve through the knots. */
  private cut(knots: number, closed: boolean): void {
    for (let k = 0; k + 1 < knots; k++) {
      let fromX = this.knotsX[k];
      let fromY = this.knotsY[k];
      const before = k > 0 ? k - 1 : closed ? knots - 2 : -1;
      const after = k + 2 < knots ? k + 2 : closed ? 1 : -1;
      for (const weights of spline) {
        const x = along(this.knotsX, k, before, after, weights);
        const y = along(this.knotsY, k, before, after, weights);
        this.segments.set([fromX, fromY, x, y], 4 * this.count++);
        fromX = x;
        fromY = y;
      }
    }
  }
}

type Weights = (typeof spline)[number];

/**
 * A point between knots k and k + 1. At the end of an open stroke a neighbour is missing (-1): then the other knot is
 * reflected to take its place.
 */
function along(knots: Float64Array, k: number, before: number, after: number, w: Weights): number {
  const [from, to] = [knots[k], knots[k + 1]];
  const ahead = before < 0 ? 2 * from - to : knots[before];
  const behind = after < 0 ? 2 * to - from : knots[after];
  return w[0] * ahead + w[1] * from + w[2] * to + w[3] * behind;
}

function isClosed(stroke: Stroke): boolean {
  return stroke[0] === stroke.at(-2) && stroke[1] === stroke.at(-1);
}

/** x' = xx x + xy y, y' = yx x + yy y. */
type Affine = readonly [xx: number, xy: number, yx: number, yy: number];

/**
 * The largest displacement of each field, where 1 is the height of a digit. These numbers decide how hard the set is to
 * learn: README.md has the accuracies.
 */
const elastic = { coarse: 0.36, fine: 0.08 };

/**
 * Draws a random affine map that narrows, then slants, then turns. Cosine and sine are computed from `half`, the
 * tangent of half the angle, with + - * / alone.
 */
function randomAffine(random: Random): Affine {
  const width = 0.58 + 0.42 * random.uniform();
  const slant = 0.45 * (random.uniform() + random.uniform() - 1) - 0.16;
  const half = 0.18 * (random.uniform() + random.uniform() - 1);
  const cosine = (1 - half * half) / (1 + half * half);
  const sine = (2 * half) / (1 + half * half);
  return [cosine * width, cosine * slant - sine, sine * width, sine * slant + cosine];
}

/**
 * A random displacement for every point of the unit square: a quadratic B-spline over a lattice of random vectors. The
 * spline is smooth, so strokes get no creases.
 */
class Field {
  private readonly side: number;
  private readonly values: Float64Array;

  /** The lattice has `cells` cells along each side of the unit square. */
  constructor(private readonly cells: number) {
    this.side = cells + 2;
    this.values = new Float64Array(2 * this.side * this.side);
  }

  draw(random: Random, amplitude: number): void {
    for (let i = 0; i < this.values.length; i++) this.values[i] = amplitude * (2 * random.uniform() - 1);
  }

  /** The displacement in x at the point (u, v). Both coordinates are in 0 .. 1. */
  x(u: number, v: number): number {
    return this.at(u, v, 0);
  }

  y(u: number, v: number): number {
    return this.at(u, v, this.side * this.side);
  }

  private at(u: number, v: number, plane: number): number {
    const column = Math.min(this.cells - 1, Math.floor(u * this.cells));
    const row = Math.min(this.cells - 1, Math.floor(v * this.cells));
    const s = u * this.cells - column;
    const t = v * this.cells - row;
    const first = plane + row * this.side + column;
    return quadratic(
      this.across(first, s),
      this.across(first + this.side, s),
      this.across(first + 2 * this.side, s),
      t,
    );
  }

  private across(first: number, s: number): number {
    return quadratic(this.values[first], this.values[first + 1], this.values[first + 2], s);
  }
}

/** The value of the quadratic B-spline between three neighbours, at t in 0 .. 1. */
function quadratic(a: number, b: number, c: number, t: number): number {
  return ((1 - t) * (1 - t) * a + (1 + 2 * t * (1 - t)) * b + t * t * c) / 2;
}
