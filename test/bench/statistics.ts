/** Statistics of repeated measurements, and ratios of measurements of the same round. Pure. */

export interface Summary {
  readonly min: number;
  readonly median: number;
  readonly max: number;
  readonly count: number;
}

/** The middle value. For an even number of values, the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length === 0) return Number.NaN;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

export function summarise(values: readonly number[]): Summary {
  return { min: Math.min(...values), median: median(values), max: Math.max(...values), count: values.length };
}

/** The ratios of the values of each round. A round that one of the two lists lacks is left out. */
export function pairRatios(a: readonly number[], b: readonly number[]): number[] {
  return a.slice(0, b.length).map((value, round) => value / b[round]);
}

/** The entry with the highest median, or undefined if no entry has a value. */
export function best<T extends { readonly values: readonly number[] }>(list: readonly T[]): T | undefined {
  const measured = list.filter(({ values }) => values.length > 0);
  return measured.reduce<T | undefined>(
    (top, each) => (top === undefined || median(each.values) > median(top.values) ? each : top),
    undefined,
  );
}
