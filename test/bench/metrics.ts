/** Reads what a run wrote about its own speed. Pure. */
import type { MetricsLine } from '../../coordinator/archive/config.js';

/** Lines of `metrics.jsonl`; one that was cut off in the middle of writing is left out. */
export function parseMetrics(text: string): MetricsLine[] {
  const end = text.lastIndexOf('\n');
  if (end < 0) return [];
  return text
    .slice(0, end)
    .split('\n')
    .map((line) => JSON.parse(line) as MetricsLine);
}

/** Samples per second of each step of the last so many seconds, by these speeds, that has no evaluation in it. */
export function settledRates(lines: readonly MetricsLine[], batch: number, seconds: number): number[] {
  let first = lines.length;
  for (let left = seconds; left > 0 && first > 0; first--) left -= batch / lines[first - 1].samplesPerSecond;
  return lines
    .slice(first)
    .filter(({ testAccuracy }) => testAccuracy === undefined)
    .map(({ samplesPerSecond }) => samplesPerSecond);
}
