/**
 * Finds what is drawn in a picture: the ink on the paper. The paper is what the border shows. The ink may be darker or
 * lighter than the paper. Specks are left out. Pure.
 */
import { borderOf, type Grey, median } from './grey.js';

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

/** Whether the ink of a picture is darker than its paper. */
export function isDarkOnLight(grey: Grey): boolean {
  const paper = median(borderOf(grey));
  let [darker, lighter] = [0, 0];
  for (const value of grey.values) {
    const difference = value - paper;
    // The cube: a little ink counts more than a wide shadow.
    if (difference < 0) darker -= difference ** 3;
    else lighter += difference ** 3;
  }
  return darker === lighter ? paper > 127.5 : darker > lighter;
}

/** Null if the picture shows nothing. */
export function inkOf(grey: Grey): Ink | null {
  const paper = median(borderOf(grey));
  const sign = isDarkOnLight(grey) ? -1 : 1;
  const contrast = grey.values.map((value) => sign * (value - paper));
  const most = contrast.reduce((a, b) => Math.max(a, b), 0);
  if (most < CONTRAST_MIN) return null;
  const values = contrast.map((value) => {
    return Math.min(1, Math.max(0, (value / most - FAINTEST) / (DARKEST - FAINTEST)));
  });
  const ink = { width: grey.width, height: grey.height, values };
  removeSpecks(ink);
  return ink;
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
