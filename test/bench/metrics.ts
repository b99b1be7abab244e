/** Reads what a run wrote about its own speed. Pure. */
import type { MetricsLine } from '../../coordinator/run/config.js';

/** Of the lines, so many are from the time before the rate has settled: it is that of the last second. */
const unsettledShare = 0.25;

/** Lines of `metrics.jsonl`; one that was cut off in the middle of writing is left out. */
export function parseMetrics(text: string): MetricsLine[] {
  const end = text.lastIndexOf('\n');
  if (end < 0) return [];
  return text
    .slice(0, end)
    .split('\n')
    .map((line) => JSON.parse(line) as MetricsLine);
}

/** Samples per second of each step that counts: settled, and with no evaluation in the step. */
export function settledRates(lines: readonly MetricsLine[]): number[] {
  return lines
    .slice(Math.floor(unsettledShare * lines.length))
    .filter(({ testAccuracy }) => testAccuracy === undefined)
    .map(({ samplesPerSecond }) => samplesPerSecond);
}
