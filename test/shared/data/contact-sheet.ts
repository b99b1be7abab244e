/**
 * Draws generated digits into a PNG, with one row for each digit. The page shared/data/digits/README.md shows it.
 *
 *     node dist/test/shared/data/contact-sheet.js shared/data/digits/contact-sheet.png
 */
import { writeFileSync } from 'node:fs';
import { encodePng } from '../../../coordinator/picture/write-png.js';
import type { Samples } from '../../../shared/data/dataset.js';
import { generateDigits } from '../../../shared/data/digits/generate.js';

const COLUMNS = 20;

/** Puts the first images of every label side by side, with dark ink on a light background. */
function sheet({ images, labels, shape }: Samples): { width: number; pixels: Uint8Array } {
  const side = shape[0];
  const width = COLUMNS * side;
  const pixels = new Uint8Array(10 * side * width);
  const drawn = new Array<number>(10).fill(0);
  for (const [i, label] of labels.entries()) {
    const column = drawn[label]++;
    if (column >= COLUMNS) continue;
    for (let y = 0; y < side; y++) {
      const row = images.subarray((i * side + y) * side, (i * side + y + 1) * side);
      pixels.set(row, (label * side + y) * width + column * side);
    }
  }
  return { width, pixels: pixels.map((ink) => 255 - ink) };
}

const { width, pixels } = sheet(generateDigits({ seed: 1, train: 1000, test: 1 }).train);
writeFileSync(process.argv[2], encodePng(width, pixels.length / width, pixels));
