/**
 * Sixty digits as people draw them on a pad, six of each, and none of them tidy: slashed zeros, European ones and sevens,
 * angular twos, tilted, wide and narrow ones, some at the edge of the pad.
 *
 * What this is not: a data set to train with. It measures what a model makes of drawings that look unlike those that it
 * has learned from.
 */
import type { PenStroke } from '../../coordinator/page/ink.js';

export interface Drawing {
  readonly digit: number;
  /** What is unusual about it. */
  readonly how: string;
  readonly strokes: readonly PenStroke[];
}

/** Points that a pen reports between two knots. */
const pointsPerKnot = 8;

/** The side of the pad in the units of the strokes. */
export const drawingExtent = 100;

/**
 * A line is a drawing: what is unusual, then its strokes. A stroke is a list of knots "x,y", with a smooth curve through
 * them; two strokes that share a knot make a corner. x goes to the right and y down, from 0 to 100. A stroke that ends
 * where it begins is closed smoothly.
 */
const lines: readonly (readonly string[])[] = [
  [
    'plain: 50,12 30,20 22,50 32,80 52,88 72,76 78,48 68,20 50,12',
    'slashed: 52,12 32,20 24,50 34,80 52,88 70,78 76,48 68,20 52,12; 78,10 24,92',
    'narrow: 50,10 42,25 40,50 43,78 50,90 57,78 60,50 57,24 50,10',
    'wide: 50,30 20,38 12,55 25,70 52,74 80,68 88,52 76,36 50,30',
    'tilted, open: 66,14 40,20 22,50 26,80 46,84 70,60 76,30 58,10',
    'slashed the other way, at the edge: 18,4 6,12 3,26 8,42 20,48 32,40 36,24 30,10 18,4; 6,8 32,44',
  ],
  [
    'plain: 50,10 51,50 50,90',
    'European, long upstroke: 26,46 42,28 56,10; 56,10 56,50 55,90',
    'European, with a foot: 34,30 52,10; 52,10 52,88; 34,88 72,88',
    'tilted right: 72,10 50,50 30,90',
    'tilted left: 34,12 46,50 62,90',
    'European, steep, at the edge: 76,40 88,20 94,4; 94,4 95,50 94,96',
  ],
  [
    'plain: 24,30 34,14 56,10 70,26 62,50 42,70 22,86; 22,86 50,86 78,84',
    'angular: 22,14 74,16; 74,16 26,84; 26,84 78,86',
    'with a loop: 26,28 40,12 62,14 68,34 52,60 30,84 20,78 30,68 50,80 78,86',
    'narrow: 42,22 50,10 58,22 54,50 42,88; 42,88 62,88',
    'wide: 10,48 24,34 60,32 82,42 62,56 12,70; 12,70 50,69 92,68',
    'tilted, at the edge: 64,20 80,8 92,16 88,36 70,54 52,64; 52,64 74,70 92,80',
  ],
  [
    'plain: 28,18 48,10 68,22 60,42 44,48; 44,48 68,56 72,76 52,90 26,82',
    'angular: 26,14 72,14; 72,14 44,44; 44,44 70,56 70,78 50,90 26,82',
    'narrow: 42,14 52,10 58,24 48,46; 48,46 60,62 56,84 42,88',
    'wide: 12,32 44,24 80,34 62,48 40,50; 40,50 78,54 88,68 52,78 10,72',
    'tilted: 40,14 62,14 74,28 62,42 46,42; 46,42 64,54 58,76 36,84 18,72',
    'with a loop, at the edge: 6,62 18,56 26,64 16,74 12,72 18,72 28,82 22,94 6,92',
  ],
  [
    'open: 34,12 28,50; 28,50 74,50; 64,14 62,90',
    'closed: 60,10 24,62; 24,62 80,62; 60,10 60,90',
    'round, long leg: 30,10 26,40 28,50 46,52 66,46; 70,12 64,50 58,92',
    'wide: 20,32 14,54; 14,54 86,56; 64,28 62,80',
    'tilted: 50,10 30,44; 30,44 70,58; 72,22 50,90',
    'small top, at the edge: 78,4 66,26; 66,26 94,28; 86,14 84,46',
  ],
  [
    'plain: 70,14 38,14; 38,14 34,44; 34,44 58,40 72,58 64,80 44,88 26,80',
    'like an S: 68,14 44,14 36,26 40,42 58,50 66,68 54,86 30,84',
    'the hat apart: 36,20 34,46; 34,46 56,42 68,62 56,86 30,84; 42,12 76,8',
    'angular: 72,12 32,12; 32,12 32,46; 32,46 68,48; 68,48 68,84; 68,84 28,86',
    'wide: 84,30 30,32; 30,32 24,50; 24,50 62,46 88,58 74,74 20,76',
    'tilted, at the edge: 44,4 24,6; 24,6 16,24; 16,24 30,24 36,36 24,48 6,44',
  ],
  [
    'plain: 62,10 40,30 30,60 38,84 58,86 68,70 58,56 38,62 32,72',
    'straight back: 56,8 34,62; 34,62 38,84 58,86 64,70 52,58 36,66',
    'narrow: 54,8 46,40 44,74 50,90 58,78 54,64 46,70',
    'wide: 76,26 40,34 18,56 28,74 62,76 84,66 70,56 36,58 22,64',
    'tilted left: 34,10 30,34 36,62 52,86 72,82 74,64 58,54 42,66',
    'at the edge: 20,56 10,70 6,86 12,97 24,94 26,82 16,78 8,86',
  ],
  [
    'plain: 24,16 74,14; 74,14 44,88',
    'European, with a bar: 24,16 74,14; 74,14 46,88; 34,52 74,50',
    'European, with a serif and a bar: 24,28 24,14; 24,14 76,12; 76,12 48,88; 38,50 74,48',
    'wide: 8,34 90,30; 90,30 54,76',
    'round: 26,20 44,12 70,16 66,40 50,66 44,90',
    'tilted, with a bar, at the edge: 58,10 90,22; 90,22 66,60; 64,34 90,48',
  ],
  [
    'plain: 64,22 48,10 34,24 48,46 66,66 52,90 32,74 46,50 64,22',
    'two circles: 50,46 34,34 36,16 52,10 66,20 62,38 50,46; 50,46 30,60 32,82 52,90 70,80 68,58 50,46',
    'narrow: 56,20 49,10 41,22 50,46 60,68 50,90 40,72 50,48 56,20',
    'wide: 70,34 48,26 26,36 48,50 76,64 50,76 20,66 46,50 70,34',
    'open: 70,14 48,10 34,26 50,46 66,66 52,88 34,78 44,56 72,24',
    'tilted, at the edge: 46,12 34,2 18,8 20,22 26,32 28,46 14,56 4,44 12,32 36,24 46,12',
  ],
  [
    'plain: 66,26 50,12 34,26 40,46 58,46 66,28; 66,28 66,60 60,90',
    'straight leg: 66,14 40,12 32,34 48,48 66,34; 68,12 66,90',
    'curled tail: 66,28 48,12 32,30 46,50 64,36; 64,36 66,66 50,88 30,78',
    'narrow: 59,20 49,10 40,26 48,42 59,26; 59,26 58,60 55,90',
    'wide: 78,34 48,24 18,40 44,54 78,40; 78,40 84,60 76,80',
    'tilted, at the edge: 92,12 74,6 66,24 80,32 92,14; 92,14 84,34 70,58',
  ],
];

export const drawings: readonly Drawing[] = lines.flatMap((some, digit) => some.map((line) => drawingOf(digit, line)));

function drawingOf(digit: number, line: string): Drawing {
  const [how, strokes] = line.split(': ');
  return { digit, how, strokes: strokes.split('; ').map(curveThrough) };
}

/** A Catmull-Rom spline. At the end of an open stroke, the missing knot is the other one, reflected. */
function curveThrough(stroke: string): PenStroke {
  const knots = stroke.split(' ').map((knot) => {
    const [x, y] = knot.split(',').map(Number);
    return { x, y };
  });
  const last = knots.length - 1;
  const isClosed = knots[0].x === knots[last].x && knots[0].y === knots[last].y;
  const reflected = (a: number, b: number) => ({ x: 2 * knots[a].x - knots[b].x, y: 2 * knots[a].y - knots[b].y });
  const before = isClosed ? knots[last - 1] : reflected(0, 1);
  const after = isClosed ? knots[1] : reflected(last, last - 1);
  const all = [before, ...knots, after];
  const points = knots.slice(1).flatMap((_, k) =>
    Array.from({ length: pointsPerKnot }, (_, i) => {
      const along = (axis: 'x' | 'y') =>
        spline(all[k][axis], all[k + 1][axis], all[k + 2][axis], all[k + 3][axis], (i + 1) / pointsPerKnot);
      return { x: along('x'), y: along('y') };
    }),
  );
  return [knots[0], ...points];
}

/** Between b and c, at t in 0 .. 1. */
function spline(a: number, b: number, c: number, d: number, t: number): number {
  return b + (t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))) / 2;
}
