/** Tables that read well both in a terminal and as Markdown, and the numbers in them. Pure. */
import type { Summary } from './statistics.js';

export interface Table {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** A number with its unit, perhaps with a range; or nothing. */
const numeric = /^([-+]?\d[\d.]*( (k|x|%|s|ms|us|MB|GFLOP\/s|GB\/s))?( \([^)]*\))?|-?)$/;

/** As Markdown, with the columns aligned: text to the left, numbers to the right. */
export function renderTable({ columns, rows }: Table): string {
  const widths = columns.map((column, i) => Math.max(3, column.length, ...rows.map((row) => (row[i] ?? '').length)));
  const isNumeric = columns.map((_, i) => i > 0 && rows.every((row) => numeric.test(row[i] ?? '')));
  const line = (cells: readonly string[]) =>
    `| ${widths.map((width, i) => pad(cells[i] ?? '', width, isNumeric[i])).join(' | ')} |`;
  const rule = `| ${widths.map((width, i) => (isNumeric[i] ? `${'-'.repeat(width - 1)}:` : '-'.repeat(width))).join(' | ')} |`;
  return [line(columns), rule, ...rows.map(line)].join('\n');
}

function pad(text: string, width: number, toTheRight: boolean): string {
  return toTheRight ? text.padStart(width) : text.padEnd(width);
}

/** Samples per second as people say them: 207 k, 9.8 k, 640. */
export function thousands(rate: number): string {
  if (!Number.isFinite(rate)) return '-';
  if (rate < 1000) return rate.toFixed(0);
  return `${(rate / 1000).toFixed(rate < 10_000 ? 1 : 0)} k`;
}

export function times(ratio: number): string {
  return Number.isFinite(ratio) ? `${ratio.toFixed(2)} x` : '-';
}

/** Median, and the range that it comes from. */
export function ranged({ min, median, max }: Summary, shown: (value: number) => string): string {
  return `${shown(median)} (${shown(min)}-${shown(max)})`;
}
