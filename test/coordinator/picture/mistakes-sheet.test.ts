/** Tests the picture of mistakes: where images and captions are, and that nothing is drawn outside of it. */
import { describe, expect, it } from 'vitest';
import type { WrongAnswer } from '../../../coordinator/model/assess.js';
import { fittingText, lettering, lettersHeight } from '../../../coordinator/picture/letters.js';
import { mistakesSheet, type Sheet } from '../../../coordinator/picture/mistakes-sheet.js';

const mistake = (index: number): WrongAnswer => ({ index, label: 4, predicted: 9, certainty: 0.987 });
const digits = Array.from({ length: 10 }, (_, n) => String(n));

/** Numbers of pixels by colour. */
function coloursOf({ pixels }: Sheet): Map<string, number> {
  const counts = new Map<string, number>();
  for (let i = 0; i < pixels.length; i += 3) {
    const colour = pixels.subarray(i, i + 3).join();
    counts.set(colour, (counts.get(colour) ?? 0) + 1);
  }
  return counts;
}

/** The ink of a text whose letters are drawn with this many pixels for each of theirs. */
const inkIn = (text: string, size: number) => size * size * lettering(text).isInk.filter(Boolean).length;

describe('the picture of mistakes', () => {
  it('has each image as dark ink, enlarged, and the two captions in green and red', () => {
    const frame = { rows: 28, columns: 28, channels: 1 };
    const sheet = mistakesSheet([mistake(5)], frame, digits, (index) => {
      expect(index).toBe(5);
      return new Uint8Array(784).fill(255);
    });
    const colours = coloursOf(sheet);
    expect(colours.get('0,0,0')).toBe(112 * 112);
    expect(colours.get('20,110,50')).toBe(inkIn('4', 4));
    expect(colours.get('180,30,30')).toBe(inkIn('>9', 4) + inkIn(' 98%', 4));
    expect(sheet.pixels.length).toBe(3 * sheet.width * sheet.height);
  });

  it('has rows of ten, and as many as it needs', () => {
    const sheetOf = (count: number) => {
      const mistakes = Array.from({ length: count }, (_, n) => mistake(n));
      return mistakesSheet(mistakes, { rows: 5, columns: 7, channels: 1 }, digits, () => new Uint8Array(35));
    };
    const [one, ten, eleven] = [1, 10, 11].map(sheetOf);
    expect(ten.height).toBe(one.height);
    expect(eleven.width).toBe(ten.width);
    expect(eleven.height).toBeGreaterThan(ten.height);
  });

  it('has smaller letters where a name needs them', () => {
    const names = digits.map((n) => (n === '4' ? 'Ankle boot' : n));
    const sheet = mistakesSheet([mistake(0)], { rows: 28, columns: 28, channels: 1 }, names, () => new Uint8Array(784));
    expect(coloursOf(sheet).get('20,110,50')).toBe(inkIn('Ankle boot', 3));
  });

  it('keeps colours, and cuts names that are too long', () => {
    const names = digits.map((n) => `a very long name of the class ${n}`);
    const frame = { rows: 2, columns: 2, channels: 3 };
    const sheet = mistakesSheet([mistake(0)], frame, names, () =>
      Uint8Array.of(255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 9, 9),
    );
    const colours = coloursOf(sheet);
    for (const colour of ['255,0,0', '0,255,0', '0,0,255', '9,9,9']) expect(colours.get(colour)).toBe(56 * 56);
    // The share stands behind the name, however long that is.
    expect(colours.get('180,30,30')).toBeGreaterThan(inkIn(' 98%', 2) + inkIn('>A VERY', 2));
  });
});

describe('letters', () => {
  it('are drawn in their rows', () => {
    const { width, isInk } = lettering('iT');
    expect(width).toBe(7);
    const rows = Array.from({ length: lettersHeight }, (_, y) =>
      isInk
        .slice(7 * y, 7 * (y + 1))
        .map((ink) => (ink ? '#' : '.'))
        .join(''),
    );
    expect(rows).toEqual(['###.###', '.#...#.', '.#...#.', '.#...#.', '###..#.']);
  });

  it('of every sign have the same height and straight sides', () => {
    for (const sign of " 0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-/.'()%>?") {
      const { width, isInk } = lettering(sign);
      expect(isInk, sign).toHaveLength(width * lettersHeight);
    }
  });

  it('leave out accents, and show an unknown sign as a question mark', () => {
    expect(lettering('é')).toEqual(lettering('E'));
    expect(lettering('あ')).toEqual(lettering('?'));
    expect(lettering('toString')).toEqual(lettering('TOSTRING'));
  });

  it('are cut where the room ends', () => {
    expect(fittingText('1234', 7)).toBe('12');
    expect(lettering(fittingText('shirt', 11)).width).toBeLessThanOrEqual(11);
    expect(fittingText('abc', 1)).toBe('');
  });
});
