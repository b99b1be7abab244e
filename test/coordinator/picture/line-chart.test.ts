/** Tests charts as text: points where they belong, gaps, scales, and the colours of the style sheets. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { chartSvg, type LineChart, paintOfFile, paintOfPage } from '../../../coordinator/picture/line-chart.js';

const chart: LineChart = {
  x: { label: 'epochs', format: String },
  y: { label: 'accuracy', format: (part) => `${100 * part} %`, max: 1 },
  lines: [
    {
      name: 'a < b & "c"',
      look: 0,
      points: [
        [0, 0],
        [5, null],
        [10, 1],
      ],
    },
  ],
};

const circles = (svg: string) => [...svg.matchAll(/<circle cx="([\d.]+)" cy="([\d.]+)"/g)].map(([, x, y]) => [+x, +y]);

test('points are at the ends of the axes, and a gap ends a line', () => {
  const svg = chartSvg(chart, paintOfFile);
  expect(circles(svg)).toEqual([
    [58, 232],
    [420, 32],
  ]);
  expect(svg).toContain('d="M58 232M420 32"');
});

test('a logarithmic axis has a power of ten at each tick', () => {
  const points = [[1, 1] as const, [10, 1] as const, [100, 1] as const];
  const svg = chartSvg(
    { ...chart, x: { ...chart.x, isLogarithmic: true }, lines: [{ name: 'a', look: 0, points }] },
    paintOfFile,
  );
  expect(circles(svg).map(([x]) => x)).toEqual([58, 239, 420]);
  expect([...svg.matchAll(/text-anchor="middle">([\d]+)</g)].map(([, text]) => text)).toEqual(['1', '10', '100']);
});

test('names are escaped, also in the description', () => {
  const svg = chartSvg(chart, paintOfFile);
  expect(svg).toContain('>a &lt; b &amp; &quot;c&quot;</text>');
  expect(svg).toContain(
    'aria-label="accuracy against epochs. At the right end: a &lt; b &amp; &quot;c&quot;: 100 % at 10."',
  );
});

test('lines without a value are drawn as nothing', () => {
  const svg = chartSvg({ ...chart, y: { ...chart.y }, lines: [{ name: 'none', look: 1, points: [] }] }, paintOfFile);
  expect(svg).not.toMatch(/NaN|Infinity|undefined/);
  expect(svg).toContain('none: no values');
});

test('a file has the light colours of the style sheets, and a page follows them', () => {
  const read = (name: string) =>
    readFileSync(fileURLToPath(new URL(`../../../../coordinator/page/${name}`, import.meta.url)), 'utf8');
  const sheets = read('theme.css') + read('compare.css');
  for (const name of ['run-0', 'run-1', 'run-2', 'run-3', 'run-4', 'run-5', 'text', 'text-quiet', 'grid', 'card']) {
    const [, colour] = sheets.match(new RegExp(`--${name}: (#\\w+);`))!;
    expect([name, paintOfFile(name)]).toEqual([name, colour]);
    expect(paintOfPage(name)).toBe(`var(--${name})`);
  }
});
