/** Makes tables that are readable both in a terminal and as Markdown, and formats their numbers. Pure. */
import type { Summary } from './statistics.js';

export interface Table {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** Matches a number with an optional unit and range, a dash, or an empty cell. */
const numeric = /^([-+]?\d[\d.,]*( (k|x|%|s|ms|us|min|MB|GFLOP\/s|GB\/s))?( \([^)]*\))?|-?)$/;

/** Renders a table as Markdown with aligned columns: text is aligned left, numbers are aligned right. */
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

/** Samples per second in a short form: 207 k, 9.8 k, 640. */
export function thousands(rate: number): string {
  if (!Number.isFinite(rate)) return '-';
  if (rate < 1000) return rate.toFixed(0);
  return `${(rate / 1000).toFixed(rate < 10_000 ? 1 : 0)} k`;
}

export function times(ratio: number): string {
  return Number.isFinite(ratio) ? `${ratio.toFixed(2)} x` : '-';
}

/** The median, followed by the range in brackets. */
export function ranged({ min, median, max }: Summary, shown: (value: number) => string): string {
  return `${shown(median)} (${shown(min)}-${shown(max)})`;
}
