import { expect, test } from 'vitest';
import { type PenStroke, penImage } from '../../../coordinator/page/ink.js';
import { centreOfMass } from '../../../shared/data/centring.js';

const extent = 280;
const seven: PenStroke = [
  { x: 80, y: 70 },
  { x: 190, y: 66 },
  { x: 120, y: 230 },
];

function moved(stroke: PenStroke, scale: number, dx: number, dy: number): PenStroke {
  return stroke.map(({ x, y }) => ({ x: x * scale + dx, y: y * scale + dy }));
}

/** The number of rows, and of columns, from the first to the last one with ink. */
function inked(image: Uint8Array, side: number): { rows: number; columns: number } {
  const lines = (at: (line: number, i: number) => number) =>
    Array.from({ length: side }, (_, line) => line).filter((line) =>
      Array.from({ length: side }, (_, i) => image[at(line, i)]).some((ink) => ink > 64),
    );
  const span = (found: number[]) => found[found.length - 1] - found[0] + 1;
  return { rows: span(lines((y, x) => y * side + x)), columns: span(lines((x, y) => y * side + x)) };
}

test('no strokes, no image', () => {
  expect(penImage([], extent, 28, 28)).toBeNull();
});

test('ink fills a box of 20 pixels by its longer side, and keeps its proportions', () => {
  const { rows, columns } = inked(penImage([seven], extent, 28, 28)!, 28);
  expect(rows).toBe(20);
  expect(columns).toBeGreaterThan(12);
  expect(columns).toBeLessThan(16);
});

test('the centre of mass is the centre of the image', () => {
  const { x, y } = centreOfMass(penImage([seven], extent, 28, 28)!, 28, 28);
  expect(x).toBeCloseTo(14, 0);
  expect(y).toBeCloseTo(14, 0);
  expect(Math.hypot(x - 14, y - 14)).toBeLessThan(0.15);
});

test('where and how large it was drawn makes no difference', () => {
  const image = penImage([seven], extent, 28, 28)!;
  const other = penImage([moved(seven, 0.5, 100, 3)], extent, 28, 28)!;
  const differences = image.map((ink, i) => Math.abs(ink - other[i]));
  expect(Math.max(...differences)).toBeLessThanOrEqual(1);
});

test('edges are smooth, and the pen leaves black in its middle', () => {
  const image = penImage([seven], extent, 28, 28)!;
  expect(Math.max(...image)).toBe(255);
  expect(image.filter((ink) => ink > 0 && ink < 255).length).toBeGreaterThan(20);
});

test('a dot stays a dot', () => {
  const { rows, columns } = inked(penImage([[{ x: 10, y: 270 }]], extent, 28, 28)!, 28);
  expect(rows).toBeLessThanOrEqual(4);
  expect(columns).toBeLessThanOrEqual(4);
});

test('images of other sizes are drawn for their size', () => {
  const { rows } = inked(penImage([seven], extent, 56, 56)!, 56);
  expect(Math.abs(rows - 40)).toBeLessThanOrEqual(2);
});
