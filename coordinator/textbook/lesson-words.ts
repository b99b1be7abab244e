/** Figures and runs in the words of the lesson. Pure. */
import { grouped } from '../../shared/figures.js';
import type { LessonRun } from './lesson-runs.js';

/** "1.25 points more", "0.40 points less", or null where the figures are the same. */
export function points(a: number, b: number): string | null {
  const difference = (100 * Math.abs(a - b)).toFixed(2);
  if (Number(difference) === 0) return null;
  return `${difference} points ${a > b ? 'more' : 'less'}`;
}

/** "a, b, and c". */
export function listed(parts: readonly string[]): string {
  if (parts.length <= 2) return parts.join(' and ');
  return `${parts.slice(0, -1).join(', ')}, and ${parts.at(-1)}`;
}

/** 100, 1 k, 1 M: short, for the ticks of an axis. */
export function compact(value: number): string {
  if (value >= 1e6) return `${value / 1e6} M`;
  return value >= 1e3 ? `${value / 1e3} k` : grouped(value);
}

const raised = '⁰¹²³⁴⁵⁶⁷⁸⁹';

/** 0.0040 or 3.3 × 10⁻¹¹. Never above 1. */
export function magnitude(value: number): string {
  if (value === 0 || value >= 1e-4) return value.toPrecision(2);
  const [digits, power] = value.toExponential(1).split('e');
  return `${digits} × 10⁻${Array.from(power.slice(1), (digit) => raised[Number(digit)]).join('')}`;
}

/** "the quadratic cost at a rate of 0.3". */
export function inSentence({ cost, rate }: LessonRun): string {
  return `${cost === 'quadratic' ? 'the quadratic cost' : cost} at a rate of ${rate}`;
}

/** "quadratic cost, rate 0.3", for a legend; a full batch is said, a mini-batch is the usual thing. */
export function titleOf({ cost, batch, rate }: LessonRun): string {
  const what = cost === 'quadratic' ? 'quadratic cost' : 'cross-entropy';
  return `${what}${batch === 0 ? ', full batch' : ''}, rate ${rate}`;
}
