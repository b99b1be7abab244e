/**
 * How a run is drawn beside others: a colour and a kind of line. Neighbours differ in both, and no two of the runs that
 * one page shows have the same pair, so that colours alone never have to be told apart. Pure but for the swatch.
 */

/** Six colours of the style sheet: `--run-0` and so on. */
const COLOURS = 6;
/** Lengths of strokes and gaps; none for a line without gaps. */
const DASHES: readonly (readonly number[])[] = [[], [9, 5], [2, 4], [11, 4, 2, 4]];

export interface RunLine {
  /** A name of the style sheet, without the dashes before it. */
  readonly colour: string;
  readonly dash: readonly number[];
}

/** Of the run with this number, from 0: 24 different ones, then the same again. */
export function lineOf(run: number): RunLine {
  // The pairs of n mod 6 and n mod 4 repeat after 12; one step aside are the other 12.
  const aside = Math.floor(run / 12);
  return { colour: `run-${run % COLOURS}`, dash: DASHES[(run + aside) % DASHES.length] };
}

const SVG = 'http://www.w3.org/2000/svg';

/** A piece of the line, for a legend. */
export function swatchOf(run: number): SVGElement {
  const { colour, dash } = lineOf(run);
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('class', 'swatch');
  svg.setAttribute('viewBox', '0 0 34 10');
  svg.setAttribute('aria-hidden', 'true');
  const line = document.createElementNS(SVG, 'path');
  line.setAttribute('d', 'M1 5H33');
  line.setAttribute('stroke', `var(--${colour})`);
  line.setAttribute('stroke-width', '3');
  line.setAttribute('stroke-dasharray', dash.join(' '));
  svg.append(line);
  return svg;
}
