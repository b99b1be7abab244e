/**
 * Says how many of the sixty drawings the models of some runs get right: `npm run drawn -- runs/A runs/B`. With `--sheet
 * FILE.pgm`, it writes a picture of all drawings as a network of 28 x 28 pixels sees them.
 */
import { writeFileSync } from 'node:fs';
import { LockstepError, openRun } from '../../coordinator/library.js';
import { penImage } from '../../coordinator/page/ink.js';
import { type Drawing, drawingExtent, drawings } from './drawings.js';
import { isRight, type Verdict, verdictsOf } from './score.js';

const side = 28;
const perRow = 6;

function sheet(file: string): void {
  const rows = drawings.length / perRow;
  const [width, height] = [perRow * side, rows * side];
  const picture = new Uint8Array(width * height);
  for (const [n, { strokes }] of drawings.entries()) {
    const image = penImage(strokes, drawingExtent, side, side)!;
    const [top, left] = [Math.floor(n / perRow) * side, (n % perRow) * side];
    for (let row = 0; row < side; row++) {
      picture.set(image.subarray(row * side, (row + 1) * side), (top + row) * width + left);
    }
  }
  writeFileSync(file, Buffer.concat([Buffer.from(`P5\n${width} ${height}\n255\n`), picture]));
}

async function report(directory: string): Promise<void> {
  const verdicts = verdictsOf(await openRun(directory));
  const right = verdicts.filter(isRight);
  const wrong = verdicts.filter((verdict) => !isRight(verdict));
  const unsure = (some: readonly Verdict[]) => some.filter(({ other }) => other !== null).length;
  say(`${directory}: ${right.length} of ${verdicts.length} right`);
  say(
    `  the pad says that it is not sure of ${unsure(wrong)} of the wrong ones, and of ${unsure(right)} of the right ones`,
  );
  for (const { drawing, answer, certainty, other } of wrong) {
    const doubt = other === null ? '' : `, not sure: perhaps ${other}`;
    say(`  ${named(drawing)} is taken for ${answer} (${(100 * certainty).toFixed(0)} %${doubt})`);
  }
}

function named({ digit, how }: Drawing): string {
  return `the ${digit} (${how})`;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

const words = process.argv.slice(2);
try {
  if (words[0] === '--sheet' && words.length === 2) sheet(words[1]);
  else if (words.length === 0)
    throw new LockstepError('usage', 'name the directories of runs that have come to an end');
  else for (const directory of words) await report(directory);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}
