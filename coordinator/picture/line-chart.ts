/**
 * A line chart as SVG text: for pages without a script, and for files. The charts that grow while a run trains are those of
 * the dashboard (coordinator/page); the lines look alike. Pure.
 */
import { lineOf, type RunLine } from './run-line.js';

export interface ChartLine {
  readonly name: string;
  /** Which line it is (run-line.ts). */
  readonly look: number;
  /** From left to right. A value of null is a gap. */
  readonly points: readonly (readonly [x: number, y: number | null])[];
}

export interface ChartAxis {
  readonly label: string;
  readonly format: (value: number) => string;
}

export interface LineChart {
  readonly x: ChartAxis & { readonly isLogarithmic?: boolean };
  /** Begins at 0; ends at `max`, or above the largest value. */
  readonly y: ChartAxis & { readonly max?: number };
  readonly lines: readonly ChartLine[];
}

/** A colour for `run-0` to `run-5` (lines), `text`, `text-quiet`, `grid` and `card` (what is behind). */
export type Paint = (name: string) => string;

/** In a page with the style sheets of the dashboard, whose colours follow the reader's wish for dark or light. */
export const paintOfPage: Paint = (name) => `var(--${name})`;

const light: Readonly<Record<string, string>> = {
  'run-0': '#0069a8',
  'run-1': '#c2500a',
  'run-2': '#00785a',
  'run-3': '#b03a7c',
  'run-4': '#7d5f00',
  'run-5': '#4a5364',
  text: '#151a23',
  'text-quiet': '#566072',
  grid: '#e9ecf1',
  card: '#ffffff',
};

/** In a file of its own: the light colours of the style sheets. */
export const paintOfFile: Paint = (name) => light[name];

const WIDTH = 440;
const LEFT = 58;
const RIGHT = 20;
const TOP = 32;
const PLOT_HEIGHT = 200;
const LEGEND_LINE = 20;

/** Where a value is on the picture. */
interface Scale {
  readonly at: (value: number) => number;
  readonly ticks: readonly number[];
}

export function chartSvg(chart: LineChart, paint: Paint): string {
  const bottom = TOP + PLOT_HEIGHT;
  const [x, y] = [xScale(chart), yScale(chart)];
  const height = bottom + 52 + chart.lines.length * LEGEND_LINE;
  const text = (at: [number, number], words: string, more = '') =>
    `<text x="${round(at[0])}" y="${round(at[1])}"${more}>${escapedText(words)}</text>`;
  const grid = y.ticks.map((value) => {
    const at = round(y.at(value));
    const line = `<path d="M${LEFT} ${at}H${WIDTH - RIGHT}" stroke="${paint('grid')}"/>`;
    return line + text([LEFT - 8, at + 4], chart.y.format(value), ' text-anchor="end"');
  });
  const ticks = x.ticks.map((value) => {
    const at = round(x.at(value));
    const mark = `<path d="M${at} ${bottom}v5" stroke="${paint('text-quiet')}"/>`;
    return mark + text([at, bottom + 18], chart.x.format(value), ' text-anchor="middle"');
  });
  const legend = chart.lines.map((line, n) => {
    const at = bottom + 60 + n * LEGEND_LINE;
    const swatch = `<path d="M${LEFT - 40} ${at - 4}h32" ${strokeOf(lineOf(line.look), paint)}/>`;
    return swatch + text([LEFT, at], line.name, ` fill="${paint('text')}"`);
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escapedText(inWords(chart))}">`,
    `<rect width="${WIDTH}" height="${height}" fill="${paint('card')}"/>`,
    `<g font-family="system-ui, -apple-system, 'Segoe UI', Roboto, Arial, sans-serif" font-size="14" fill="${paint('text-quiet')}">`,
    text([4, 16], chart.y.label, ` font-weight="600" fill="${paint('text')}"`),
    text([(LEFT + WIDTH - RIGHT) / 2, bottom + 37], chart.x.label, ` text-anchor="middle" fill="${paint('text')}"`),
    ...grid,
    `<path d="M${LEFT} ${bottom}H${WIDTH - RIGHT}" stroke="${paint('text-quiet')}"/>`,
    ...ticks,
    ...chart.lines.map((line) => drawn(line, x, y, paint)),
    ...legend,
    '</g>',
    '</svg>',
    '',
  ].join('\n');
}

/** The line, and a dot for every point. */
function drawn({ look, points }: ChartLine, x: Scale, y: Scale, paint: Paint): string {
  const line = lineOf(look);
  const at = points.map(([px, py]) => (py === null ? null : `${round(x.at(px))} ${round(y.at(py))}`));
  const path = at.map((point, n) => (point === null ? '' : `${n === 0 || at[n - 1] === null ? 'M' : 'L'}${point}`));
  const radius = points.length > 40 ? 1.5 : 2.5;
  const dots = at.flatMap((point) => {
    if (point === null) return [];
    const [cx, cy] = point.split(' ');
    return [`<circle cx="${cx}" cy="${cy}" r="${radius}"/>`];
  });
  return `<path d="${path.join('')}" ${strokeOf(line, paint)}/>\n<g fill="${paint(line.colour)}">${dots.join('')}</g>`;
}

function strokeOf({ colour, dash }: RunLine, paint: Paint): string {
  const dashes = dash.length === 0 ? '' : ` stroke-dasharray="${dash.join(' ')}"`;
  return `fill="none" stroke="${paint(colour)}" stroke-width="2" stroke-linejoin="round"${dashes}`;
}

function xScale({ x, lines }: LineChart): Scale {
  const values = lines.flatMap(({ points }) => points.map(([value]) => value));
  const [from, to] = [LEFT, WIDTH - RIGHT];
  if (x.isLogarithmic) {
    const low = Math.floor(Math.log10(Math.min(...values)));
    const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...values))));
    const ticks = Array.from({ length: high - low + 1 }, (_, n) => 10 ** (low + n));
    return { ticks, at: (value) => from + ((Math.log10(value) - low) / (high - low)) * (to - from) };
  }
  const max = Math.max(...values, 1);
  return { ticks: ticksUpTo(max), at: (value) => from + (value / max) * (to - from) };
}

function yScale({ y, lines }: LineChart): Scale {
  const values = lines.flatMap(({ points }) => points.map(([, value]) => value ?? 0));
  const max = y.max ?? (Math.max(...values) * 1.05 || 1);
  return { ticks: ticksUpTo(max), at: (value) => TOP + PLOT_HEIGHT - (value / max) * PLOT_HEIGHT };
}

/** From 0, about five round numbers. */
function ticksUpTo(max: number): number[] {
  const unit = 10 ** Math.floor(Math.log10(max / 4));
  const step = unit * ([1, 2, 5].find((factor) => factor * unit * 5.5 >= max) ?? 10);
  return Array.from({ length: Math.floor(max / step + 1e-9) + 1 }, (_, n) => Number((n * step).toPrecision(12)));
}

/** For people who cannot see the chart. */
function inWords({ x, y, lines }: LineChart): string {
  const ends = lines.map(({ name, points }) => {
    const last = points.findLast(([, value]) => value !== null);
    if (last === undefined) return `${name}: no values`;
    return `${name}: ${y.format(last[1]!)} at ${x.format(last[0])}`;
  });
  return `${y.label} against ${x.label}. At the right end: ${ends.join('; ')}.`;
}

function round(value: number): number {
  return Number(value.toFixed(1));
}

/** Text for SVG and HTML, also inside attributes. */
export function escapedText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
