/**
 * Finds what is drawn in a picture: the ink on the paper. The ink may be darker or lighter than the paper. Specks are left
 * out. Pure.
 */
import type { Grey } from './grey.js';
import { paperOf } from './paper-of.js';

/** How much ink is on each pixel, from 0 to 1. */
export interface Ink {
  readonly width: number;
  readonly height: number;
  readonly values: Float32Array;
}

/** If nothing differs from the paper by more than this, of 255, nothing is drawn. */
const CONTRAST_MIN = 24;
/** Less than this share of the strongest contrast is paper, and more than the second is ink as dark as any. */
const FAINTEST = 0.25;
const DARKEST = 0.75;
/** A group of pixels with less than this share of the ink of the largest group is a speck. */
const SPECK = 0.02;

/** Null if the picture shows nothing. */
export function inkOf(grey: Grey): Ink | null {
  const paper = paperOf(grey);
  const differences = grey.values.map((value, i) => value - paper[i]);
  const sign = isDarker(differences) ? -1 : 1;
  const most = differences.reduce((a, b) => Math.max(a, sign * b), 0);
  if (most < CONTRAST_MIN) return null;
  const values = differences.map((difference) => {
    return Math.min(1, Math.max(0, ((sign * difference) / most - FAINTEST) / (DARKEST - FAINTEST)));
  });
  const ink = { width: grey.width, height: grey.height, values };
  removeSpecks(ink);
  return ink;
}

/** Whether the ink is darker than the paper. The cubes are summed: a little ink counts more than a wide shadow. */
function isDarker(differences: Float32Array): boolean {
  return differences.reduce((sum, difference) => sum + difference ** 3, 0) < 0;
}

/** Sets small groups of touching pixels with ink to 0. */
function removeSpecks(ink: Ink): void {
  const groups = groupsOf(ink);
  const largest = groups.reduce((most, { mass }) => Math.max(most, mass), 0);
  for (const { mass, pixels } of groups) {
    if (mass < SPECK * largest) for (const at of pixels) ink.values[at] = 0;
  }
}

/** The groups of pixels with ink that touch each other, also at their corners. */
function groupsOf({ width, height, values }: Ink): { mass: number; pixels: number[] }[] {
  const seen = new Uint8Array(values.length);
  const groups: { mass: number; pixels: number[] }[] = [];
  for (let start = 0; start < values.length; start++) {
    if (values[start] === 0 || seen[start] === 1) continue;
    const pixels = [start];
    seen[start] = 1;
    let mass = 0;
    // The list grows while it is read.
    for (const at of pixels) {
      mass += values[at];
      for (const next of neighbours(at, width, height)) {
        if (values[next] === 0 || seen[next] === 1) continue;
        seen[next] = 1;
        pixels.push(next);
      }
    }
    groups.push({ mass, pixels });
  }
  return groups;
}

function* neighbours(at: number, width: number, height: number): Generator<number> {
  const [x, y] = [at % width, Math.floor(at / width)];
  for (let row = Math.max(0, y - 1); row <= Math.min(height - 1, y + 1); row++) {
    for (let column = Math.max(0, x - 1); column <= Math.min(width - 1, x + 1); column++) yield row * width + column;
  }
}
