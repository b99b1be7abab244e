/** Letters for captions in pictures: capitals, digits and a few signs, five pixels high. */

/** Rows from top to bottom; `#` is ink. Letters differ in their widths. */
const rows: Readonly<Record<string, string>> = {
  ' ': '.. .. .. .. ..',
  '0': '### #.# #.# #.# ###',
  '1': '.# ## .# .# .#',
  '2': '### ..# ### #.. ###',
  '3': '### ..# ### ..# ###',
  '4': '#.# #.# ### ..# ..#',
  '5': '### #.. ### ..# ###',
  '6': '### #.. ### #.# ###',
  '7': '### ..# .#. .#. .#.',
  '8': '### #.# ### #.# ###',
  '9': '### #.# ### ..# ###',
  A: '.#. #.# ### #.# #.#',
  B: '##. #.# ##. #.# ##.',
  C: '.## #.. #.. #.. .##',
  D: '##. #.# #.# #.# ##.',
  E: '### #.. ##. #.. ###',
  F: '### #.. ##. #.. #..',
  G: '.## #.. #.# #.# .##',
  H: '#.# #.# ### #.# #.#',
  I: '### .#. .#. .#. ###',
  J: '..# ..# ..# #.# .#.',
  K: '#.# #.# ##. #.# #.#',
  L: '#.. #.. #.. #.. ###',
  M: '#...# ##.## #.#.# #...# #...#',
  N: '#..# ##.# #.## #..# #..#',
  O: '.#. #.# #.# #.# .#.',
  P: '##. #.# ##. #.. #..',
  Q: '.#. #.# #.# ##. .##',
  R: '##. #.# ##. #.# #.#',
  S: '.## #.. .#. ..# ##.',
  T: '### .#. .#. .#. .#.',
  U: '#.# #.# #.# #.# ###',
  V: '#.# #.# #.# #.# .#.',
  W: '#...# #...# #.#.# ##.## #...#',
  X: '#.# #.# .#. #.# #.#',
  Y: '#.# #.# .#. .#. .#.',
  Z: '### ..# .#. #.. ###',
  '-': '... ... ### ... ...',
  '/': '..# ..# .#. #.. #..',
  '.': '. . . . #',
  "'": '# # . . .',
  '(': '.# #. #. #. .#',
  ')': '#. .# .# .# #.',
  '%': '#.# ..# .#. #.. #.#',
  '>': '#.. .#. ..# .#. #..',
  '?': '##. ..# .#. ... .#.',
};

export const lettersHeight = 5;

/** A text as pixels: `isInk` has one element per pixel, row by row. */
export interface Lettering {
  readonly width: number;
  readonly isInk: readonly boolean[];
}

/** Small letters become capitals, accents are left out, and a sign that is not in the list becomes a question mark. */
export function lettering(text: string): Lettering {
  const plain = text.normalize('NFD').replace(/\p{M}/gu, '').toUpperCase();
  const glyphs = Array.from(plain, (sign) => (rows[sign] ?? rows['?']).split(' '));
  const lines = Array.from({ length: lettersHeight }, (_, y) => glyphs.map((glyph) => glyph[y]).join('.'));
  return { width: lines[0].length, isInk: Array.from(lines.join(''), (pixel) => pixel === '#') };
}

/** The beginning of a text that is at most this many pixels wide. */
export function fittingText(text: string, widthMax: number): string {
  const signs = Array.from(text);
  while (signs.length > 0 && lettering(signs.join('')).width > widthMax) signs.pop();
  return signs.join('');
}
