/** The learning curves: loss and accuracy over the steps, measured and smoothed. Both charts share one zoom. */

import uPlot from 'uplot';
import { percent } from '../../shared/figures.js';
import type { StepUnit } from '../../shared/step-unit.js';
import type { CurvePoint } from '../web/state.js';
import { type LearningCurve, smoothed } from './curve.js';
import { colour, find, onThemeChange } from './elements.js';
import { count, loss } from './format.js';
import { judgedAccuracy, judgedLoss } from './judged.js';

interface Range {
  readonly min: number;
  readonly max: number;
}

/** What one chart draws of a point. */
interface Measure {
  readonly id: string;
  readonly title: string;
  readonly train: (point: CurvePoint) => number | undefined;
  readonly judged: (point: CurvePoint) => number | undefined;
  readonly format: (value: number) => string;
  /** Texts of the axis: shorter than `format`. */
  readonly tick: (value: number) => string;
  readonly range: (min: number, max: number) => [number, number];
}

const measures: readonly Measure[] = [
  {
    id: 'chart-loss',
    title: 'Loss',
    train: (point) => point.loss,
    judged: judgedLoss,
    format: loss,
    tick: (value) => String(Number(value.toPrecision(3))),
    range: (min, max) => [Math.min(min, 0), max > 0 ? 1.05 * max : 1],
  },
  {
    id: 'chart-accuracy',
    title: 'Accuracy',
    train: (point) => point.accuracy,
    judged: judgedAccuracy,
    format: percent,
    tick: (value) => `${Number((100 * value).toFixed(2))} %`,
    range: (min, max) => [Math.max(0, min - 0.05 * (max - min + 0.01)), Math.min(1, max + 0.05 * (max - min) + 0.002)],
  },
];

const HEIGHT = 270;

export class Charts {
  private charts: uPlot[] = [];
  private zoom: Range | null = null;
  /** The name of the set that is evaluated during the run. */
  private judge = 'test set';
  private unit: StepUnit = 'step';
  private revision = -1;
  private readonly smoothing = find('smoothing', HTMLInputElement);
  private readonly logarithmic = find('logarithmic', HTMLInputElement);

  constructor(private readonly curve: LearningCurve) {
    this.smoothing.addEventListener('input', () => this.refresh());
    this.logarithmic.addEventListener('change', () => this.rebuild());
    find('zoom-in', HTMLButtonElement).addEventListener('click', () => this.zoomBy(0.5));
    find('zoom-out', HTMLButtonElement).addEventListener('click', () => this.zoomBy(2));
    find('zoom-reset', HTMLButtonElement).addEventListener('click', () => this.zoomTo(null));
    onThemeChange(() => this.rebuild());
    new ResizeObserver(() => this.resize()).observe(find('charts', HTMLElement));
  }

  render(judge: string, unit: StepUnit): void {
    const isNamedAnew = this.judge !== judge || this.unit !== unit;
    if (this.revision === this.curve.revision && !isNamedAnew) return;
    this.revision = this.curve.revision;
    this.judge = judge;
    this.unit = unit;
    if (this.charts.length === 0 || isNamedAnew) this.rebuild();
    else this.refresh();
  }

  private rebuild(): void {
    for (const chart of this.charts) chart.destroy();
    this.charts = measures.map((measure) => {
      const holder = find(measure.id, HTMLElement);
      return new uPlot(this.options(measure, holder.clientWidth), this.data(measure), holder);
    });
    this.describe();
  }

  private refresh(): void {
    this.charts.forEach((chart, n) => {
      chart.setData(this.data(measures[n]), true);
    });
    this.describe();
  }

  private resize(): void {
    this.charts.forEach((chart, n) => {
      const width = find(measures[n].id, HTMLElement).clientWidth;
      if (width !== chart.width) chart.setSize({ width, height: HEIGHT });
    });
  }

  /** Four columns: steps, measured values, smoothed values, evaluations. */
  private data({ train, judged }: Measure): uPlot.AlignedData {
    const { points } = this.curve;
    const measured = points.map((point) => train(point) ?? null);
    const evaluated = points.map((point) => judged(point) ?? null);
    return [points.map(({ step }) => step), measured, smoothed(measured, Number(this.smoothing.value)), evaluated];
  }

  private options(measure: Measure, width: number): uPlot.Options {
    const { format, tick, range } = measure;
    const [text, grid, train, test] = ['text-quiet', 'grid', 'train', 'test'].map(colour);
    const isLogarithmic = measure.title === 'Loss' && this.logarithmic.checked;
    const value = (_: uPlot, raw: number | null) => (raw === null ? '–' : format(raw));
    const axis = { stroke: text, grid: { stroke: grid, width: 1 }, ticks: { stroke: grid, width: 1, size: 4 } };
    const font = `12px ${getComputedStyle(document.body).fontFamily}`;
    return {
      width,
      height: HEIGHT,
      cursor: { sync: { key: 'curves' }, drag: { x: true, y: false, setScale: false }, points: { size: 7 } },
      scales: {
        x: { time: false, range: () => this.range() },
        y: isLogarithmic ? { distr: 3 } : { range: (_, min, max) => range(min ?? 0, max ?? 1) },
      },
      axes: [
        { ...axis, font, size: 28, values: (_, splits) => splits.map((at) => (at % 1 === 0 ? count(at) : '')) },
        { ...axis, font, size: 58, values: (_, splits) => splits.map((at) => (at === null ? '' : tick(at))) },
      ],
      series: [
        { label: this.unit, value: (_, raw) => (raw === null ? '–' : count(raw)) },
        { label: 'batch', stroke: `${train}55`, width: 1, value, points: { show: false } },
        { label: 'batch, smoothed', stroke: train, width: 2, value, points: { show: false } },
        {
          label: this.judge,
          stroke: test,
          width: 2,
          value,
          spanGaps: true,
          points: { show: true, size: 5, fill: test },
        },
      ],
      hooks: {
        setSelect: [(chart) => this.select(chart)],
      },
    };
  }

  private select(chart: uPlot): void {
    const { left, width } = chart.select;
    if (width < 4) return;
    this.zoomTo({ min: chart.posToVal(left, 'x'), max: chart.posToVal(left + width, 'x') });
    chart.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
  }

  private range(): [number, number] {
    if (this.zoom !== null) return [this.zoom.min, this.zoom.max];
    const last = this.curve.points.at(-1)?.step ?? 1;
    return [0, Math.max(last, 1)];
  }

  /** The first zoom is around the newest steps, which are the interesting ones; later zooms keep their centre. */
  private zoomBy(factor: number): void {
    const [min, max] = this.range();
    const last = this.curve.points.at(-1)?.step ?? 1;
    const centre = this.zoom === null ? max : (min + max) / 2;
    const half = ((max - min) * factor) / 2;
    const low = Math.max(0, Math.min(centre - half, last - 2 * half));
    const high = Math.min(last, low + 2 * half);
    this.zoomTo(low <= 0 && high >= last ? null : { min: low, max: Math.max(high, low + 1) });
  }

  private zoomTo(zoom: Range | null): void {
    this.zoom = zoom;
    for (const chart of this.charts) {
      const [min, max] = this.range();
      chart.setScale('x', { min, max });
    }
    find('zoom-reset', HTMLButtonElement).disabled = zoom === null;
    find('zoom-out', HTMLButtonElement).disabled = zoom === null;
  }

  /** Describes the lines in words, for people who cannot see them. */
  private describe(): void {
    const last = this.curve.points.at(-1);
    if (last === undefined) return;
    const evaluated = this.curve.points.findLast((point) => judgedLoss(point) !== undefined);
    for (const { id, title, train, judged, format } of measures) {
      const measured = train(last);
      const tested = evaluated && judged(evaluated);
      const now = measured === undefined ? '' : `, ${format(measured)} at ${this.unit} ${count(last.step)}`;
      const at = evaluated && count(evaluated.step);
      const tests = tested === undefined ? '' : `; on the ${this.judge} ${format(tested)} at ${this.unit} ${at}`;
      find(id, HTMLElement).setAttribute(
        'aria-label',
        `${title} over ${this.curve.points.length} points${now}${tests}`,
      );
    }
  }
}
