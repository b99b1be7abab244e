/**
 * Draws the worst mistakes of a model as one picture, to be shown in a room: a grid of images, and below each one what it is
 * (green) and what it was taken for (red). Pure.
 */
import type { WrongAnswer } from '../model/assess.js';
import { fittingText, lettering, lettersHeight } from './letters.js';
import type { Frame } from './sample-of.js';

/** Mistakes in a row. */
const PER_ROW = 10;
/** An image is enlarged by a whole factor, up to about this many pixels. */
const IMAGE_SIDE = 112;
const GAP = 12;
/** Pixels of the picture for one pixel of a letter: the first of these with which every caption has room, or the last. */
const LETTERS = [4, 3, 2];
/** Pixels of a letter between two lines. */
const LEADING = 3;

type Colour = readonly [number, number, number];
const paper: Colour = [255, 255, 255];
const truth: Colour = [20, 110, 50];
const wrong: Colour = [180, 30, 30];

export interface Sheet {
  readonly width: number;
  readonly height: number;
  /** Three bytes per pixel. */
  readonly pixels: Uint8Array;
}

/** `imageOf` returns a sample, one byte per pixel and channel. `names` has one name for each output. */
export function mistakesSheet(
  mistakes: readonly WrongAnswer[],
  frame: Frame,
  names: readonly string[],
  imageOf: (index: number) => Uint8Array,
): Sheet {
  const zoom = Math.max(1, Math.round(IMAGE_SIDE / Math.max(frame.rows, frame.columns)));
  const room = zoom * frame.columns + GAP / 2;
  const captions = mistakes.map((mistake) => captionOf(mistake, names));
  const letter =
    LETTERS.find((size) => captions.every((caption) => size * widthOf(caption) <= room)) ?? LETTERS.at(-1)!;
  const line = letter * (lettersHeight + LEADING);
  const cell = { width: zoom * frame.columns + GAP, height: zoom * frame.rows + 2 * line + GAP };
  const columns = Math.min(PER_ROW, mistakes.length);
  const canvas = new Canvas(GAP + columns * cell.width, GAP + Math.ceil(mistakes.length / columns) * cell.height);
  for (const [n, { index }] of mistakes.entries()) {
    const x = GAP + (n % columns) * cell.width;
    const y = GAP + Math.floor(n / columns) * cell.height;
    canvas.image(imageOf(index), frame, x, y, zoom);
    const { is, answer, share } = captions[n];
    const below = y + zoom * frame.rows + letter * LEADING;
    canvas.text(fittingText(is, room / letter), x, below, letter, truth);
    const name = fittingText(answer, room / letter - lettering(share).width - 1);
    canvas.text(name + share, x, below + line, letter, wrong);
  }
  return canvas;
}

/** The first line, and the two parts of the second: only names are cut where there is no room. */
interface Caption {
  readonly is: string;
  readonly answer: string;
  readonly share: string;
}

function captionOf({ label, predicted, certainty }: WrongAnswer, names: readonly string[]): Caption {
  return { is: names[label], answer: `>${names[predicted]}`, share: ` ${Math.floor(100 * certainty)}%` };
}

function widthOf({ is, answer, share }: Caption): number {
  return Math.max(lettering(is).width, lettering(answer + share).width);
}

class Canvas implements Sheet {
  readonly pixels: Uint8Array;

  constructor(
    readonly width: number,
    readonly height: number,
  ) {
    this.pixels = new Uint8Array(3 * width * height).fill(paper[0]);
  }

  /** Grey images are shown as dark ink on light paper. */
  image(sample: Uint8Array, { rows, columns, channels }: Frame, x: number, y: number, zoom: number): void {
    for (let row = 0; row < zoom * rows; row++) {
      for (let column = 0; column < zoom * columns; column++) {
        const at = channels * (Math.floor(row / zoom) * columns + Math.floor(column / zoom));
        const light = (c: number) => (channels === 1 ? 255 - sample[at] : sample[at + c]);
        this.put(x + column, y + row, [light(0), light(1), light(2)]);
      }
    }
  }

  /** `size` is the number of pixels for one pixel of a letter. */
  text(text: string, x: number, y: number, size: number, colour: Colour): void {
    const { width, isInk } = lettering(text);
    isInk.forEach((ink, i) => {
      if (!ink) return;
      const [column, row] = [x + size * (i % width), y + size * Math.floor(i / width)];
      for (let k = 0; k < size * size; k++) this.put(column + (k % size), row + Math.floor(k / size), colour);
    });
  }

  private put(x: number, y: number, colour: Colour): void {
    this.pixels.set(colour, 3 * (y * this.width + x));
  }
}
