/**
 * The line of a run among others: a colour and a pattern of dashes. Neighbours differ in both, and of 24 runs no two have
 * the same pair, so nobody has to tell runs apart by colour alone.
 */

/** The style sheet has `--run-0` to `--run-5`. */
const COLOURS = 6;
/** Lengths of dashes and gaps in pixels; a line without gaps has none. */
const DASHES: readonly (readonly number[])[] = [[], [9, 5], [2, 4], [11, 4, 2, 4]];

export interface RunLine {
  /** Its name in the style sheet, without `--`. */
  readonly colour: string;
  readonly dash: readonly number[];
}

/** `run` counts from 0. After 24 runs, the lines repeat. */
export function lineOf(run: number): RunLine {
  // n mod 6 and n mod 4 give 12 pairs; shifted by one, they give the other 12.
  const aside = Math.floor(run / 12);
  return { colour: `run-${run % COLOURS}`, dash: DASHES[(run + aside) % DASHES.length] };
}
