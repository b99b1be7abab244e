/** Reads a run's metrics. Pure. */
import type { MetricsLine } from '../../coordinator/archive/config.js';

/** Parses the lines of `metrics.jsonl`. An incomplete last line is left out. */
export function parseMetrics(text: string): MetricsLine[] {
  const end = text.lastIndexOf('\n');
  if (end < 0) return [];
  return text
    .slice(0, end)
    .split('\n')
    .map((line) => JSON.parse(line) as MetricsLine);
}

/**
 * The samples per second of each step in the last `seconds` seconds. How far back these seconds reach is computed from
 * the speeds themselves. Steps with an evaluation are left out.
 */
export function settledRates(lines: readonly MetricsLine[], batch: number, seconds: number): number[] {
  let first = lines.length;
  for (let left = seconds; left > 0 && first > 0; first--) left -= batch / lines[first - 1].samplesPerSecond;
  return lines
    .slice(first)
    .filter(({ testAccuracy }) => testAccuracy === undefined)
    .map(({ samplesPerSecond }) => samplesPerSecond);
}
