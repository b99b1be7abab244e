/** The charts of the lesson: the accuracy or the loss of runs, against epochs, samples or steps. Pure. */
import { grouped, percent } from '../../shared/figures.js';
import type { ChartAxis, ChartLine, LineChart } from '../picture/line-chart.js';
import { type LessonRun, lessonBatch, lessonRuns } from './lesson-runs.js';
import { compact, titleOf } from './lesson-words.js';
import type { LessonPoint, MeasuredRun } from './measured-run.js';

/** What a chart shows from left to right. */
export interface LessonAxis extends ChartAxis {
  readonly isLogarithmic?: boolean;
  readonly of: (evaluation: LessonPoint) => number;
  /** What tells the lines apart. */
  readonly title: (run: LessonRun) => string;
}

const batchTitle = ({ batch }: LessonRun) => (batch === 0 ? 'full batch' : `mini-batches of ${lessonBatch}`);

export const byEpoch: LessonAxis = { label: 'epochs', format: grouped, of: ({ epoch }) => epoch, title: titleOf };

export const bySamples: LessonAxis = {
  label: 'training images used',
  format: compact,
  isLogarithmic: true,
  of: ({ samples }) => samples,
  title: batchTitle,
};

export const bySteps: LessonAxis = {
  label: 'steps (updates of the weights)',
  format: compact,
  isLogarithmic: true,
  of: ({ step }) => step,
  title: batchTitle,
};

const looks: readonly LessonRun[] = Object.values(lessonRuns);

export function accuracyBy(course: LessonAxis, runs: readonly MeasuredRun[]): LineChart {
  const format = (part: number) => `${Math.round(100 * part)} %`;
  const y = { label: 'test accuracy', format, max: 1 };
  return { x: course, y, lines: runs.map((run) => lineFor(run, course, ({ accuracy }) => accuracy, percent)) };
}

export function lossBy(course: LessonAxis, runs: readonly MeasuredRun[]): LineChart {
  const y = { label: 'test loss', format: (value: number) => String(Number(value.toPrecision(3))) };
  const text = (value: number) => value.toFixed(3);
  return { x: course, y, lines: runs.map((run) => lineFor(run, course, ({ loss }) => loss, text)) };
}

/** A run has the same look in all charts. */
function lineFor(
  { run, evaluations, hasDiverged }: MeasuredRun,
  { of, title }: LessonAxis,
  value: (evaluation: LessonPoint) => number | null,
  text: (value: number) => string,
): ChartLine {
  const points = evaluations.map((evaluation) => [of(evaluation), value(evaluation)] as const);
  const last = points.at(-1)?.[1] ?? null;
  const end = last === null ? '' : `: ${text(last)}`;
  const name = `${title(run)}${end}${hasDiverged ? ' (diverged)' : ''}`;
  return { name, look: looks.findIndex((other) => other.name === run.name), points };
}
