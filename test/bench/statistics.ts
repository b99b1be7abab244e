/** Figures of repeated measurements, and ratios of measurements that were taken side by side. Pure. */

export interface Summary {
  readonly min: number;
  readonly median: number;
  readonly max: number;
  readonly count: number;
}

/** The middle value; of an even number, the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length === 0) return Number.NaN;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

export function summarise(values: readonly number[]): Summary {
  return { min: Math.min(...values), median: median(values), max: Math.max(...values), count: values.length };
}

/** Quotients of what was measured in the same round. Rounds that one of the two does not have are left out. */
export function pairRatios(a: readonly number[], b: readonly number[]): number[] {
  return a.slice(0, b.length).map((value, round) => value / b[round]);
}

/** The entry with the highest median; undefined where nobody has a figure. */
export function best<T extends { readonly values: readonly number[] }>(list: readonly T[]): T | undefined {
  const measured = list.filter(({ values }) => values.length > 0);
  return measured.reduce<T | undefined>(
    (top, each) => (top === undefined || median(each.values) > median(top.values) ? each : top),
    undefined,
  );
}
