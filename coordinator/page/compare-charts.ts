/** The evaluations of several runs over their steps: accuracy and loss, one line for each run on each chart. */
import uPlot from 'uplot';
import { percent } from '../../shared/figures.js';
import { lineOf } from '../picture/run-line.js';
import type { ComparedRun, CurvePoint } from '../web/state.js';
import { colour, find, onThemeChange } from './elements.js';
import { count, loss } from './format.js';
import { judgedAccuracy, judgedLoss } from './judged.js';

interface Measure {
  readonly id: string;
  readonly title: string;
  readonly of: (point: CurvePoint) => number | undefined;
  readonly format: (value: number) => string;
  /** Texts of the axis: shorter than `format`. */
  readonly tick: (value: number) => string;
}

const measures: readonly Measure[] = [
  {
    id: 'chart-accuracy',
    title: 'Accuracy',
    of: judgedAccuracy,
    format: percent,
    tick: (value) => `${Number((100 * value).toFixed(2))} %`,
  },
  {
    id: 'chart-loss',
    title: 'Loss',
    of: judgedLoss,
    format: loss,
    tick: (value) => String(Number(value.toPrecision(3))),
  },
];

const HEIGHT = 300;

export class CompareCharts {
  private charts: uPlot[] = [];
  private runs: readonly ComparedRun[] = [];

  /** `pointed` is called with the step under the pointer, or with null when the pointer leaves the charts. */
  constructor(private readonly pointed: (step: number | null) => void) {
    onThemeChange(() => this.rebuild());
    new ResizeObserver(() => this.resize()).observe(find('charts', HTMLElement));
  }

  /** Draws these runs and no others. */
  render(runs: readonly ComparedRun[]): void {
    const isSame = runs.length === this.runs.length && runs.every(({ id }, n) => id === this.runs[n].id);
    this.runs = runs;
    if (isSame && this.charts.length > 0)
      for (const [n, chart] of this.charts.entries()) chart.setData(this.data(measures[n]));
    else this.rebuild();
    this.describe();
  }

  private rebuild(): void {
    for (const chart of this.charts) chart.destroy();
    this.charts = measures.map((measure) => {
      const holder = find(measure.id, HTMLElement);
      return new uPlot(this.options(measure, holder.clientWidth), this.data(measure), holder);
    });
  }

  private resize(): void {
    for (const [n, chart] of this.charts.entries()) {
      const width = find(measures[n].id, HTMLElement).clientWidth;
      if (width !== chart.width) chart.setSize({ width, height: HEIGHT });
    }
  }

  /** The first column has every step at which a run was evaluated; each run has a column with its values there. */
  private data({ of }: Measure): uPlot.AlignedData {
    const tables = this.runs.map(({ result }): uPlot.AlignedData => {
      const curve = result?.curve ?? [];
      return [curve.map(({ step }) => step), curve.map((point) => of(point) ?? null)];
    });
    return tables.length === 0 ? [[]] : uPlot.join(tables);
  }

  private options(measure: Measure, width: number): uPlot.Options {
    const [text, grid] = ['text-quiet', 'grid'].map(colour);
    const axis = { stroke: text, grid: { stroke: grid, width: 1 }, ticks: { stroke: grid, width: 1, size: 4 } };
    const font = `12px ${getComputedStyle(document.body).fontFamily}`;
    const steps = (_: uPlot, splits: number[]) => splits.map((at) => (at % 1 === 0 ? count(at) : ''));
    const values = (_: uPlot, splits: number[]) => splits.map(measure.tick);
    return {
      width,
      height: HEIGHT,
      legend: { show: false },
      cursor: { sync: { key: 'compared' }, drag: { x: false, y: false }, points: { size: 7 } },
      scales: { x: { time: false, range: (_, __, max) => [0, Math.max(1, max ?? 1)] } },
      axes: [
        { ...axis, font, size: 28, values: steps },
        { ...axis, font, size: 58, values },
      ],
      series: [{}, ...this.runs.map(({ id, name }) => seriesOf(id, name))],
      hooks: { setCursor: [({ data, cursor }) => this.pointed(cursor.idx == null ? null : data[0][cursor.idx])] },
    };
  }

  /** Describes the lines in words, for people who cannot see them. */
  private describe(): void {
    for (const { id, title, of, format } of measures) {
      const ends = this.runs.flatMap(({ name, result }) => {
        const last = result?.curve.at(-1);
        const value = last && of(last);
        return value === undefined ? [] : [`${name} ${format(value)} at step ${count(last!.step)}`];
      });
      const text = ends.length === 0 ? 'no evaluations yet' : ends.join('; ');
      find(id, HTMLElement).setAttribute('aria-label', `${title} in the evaluations: ${text}`);
    }
  }
}

function seriesOf(run: number, label: string): uPlot.Series {
  const line = lineOf(run);
  const stroke = colour(line.colour);
  const points = { show: true, size: 6, fill: stroke };
  return { label, stroke, width: 2, dash: [...line.dash], spanGaps: true, points };
}
