/** The points of the learning curve that the page has received, and their smoothing. Pure. */
import type { CurvePoint } from '../web/state.js';
import { judgedAccuracy } from './judged.js';

/** A screen has fewer pixels across than this. */
const POINTS_MAX = 4000;

export class LearningCurve {
  private points_: readonly CurvePoint[] = [];
  private revision_ = 0;

  get points(): readonly CurvePoint[] {
    return this.points_;
  }

  /** Changes with the points. */
  get revision(): number {
    return this.revision_;
  }

  /** With `complete`, these are all points; without it, they follow the points so far. */
  add(points: readonly CurvePoint[], complete: boolean): void {
    if (points.length === 0 && !complete) return;
    this.points_ = thinned(complete ? points : [...this.points_, ...points]);
    this.revision_ += 1;
  }
}

/** Leaves out every other point, but no evaluation, until there are few enough. */
export function thinned(points: readonly CurvePoint[]): readonly CurvePoint[] {
  if (points.length <= POINTS_MAX) return points;
  const last = points.length - 1;
  const fewer = points.filter((point, i) => i % 2 === 0 || i === last || judgedAccuracy(point) !== undefined);
  return fewer.length === points.length ? points : thinned(fewer);
}

/**
 * An exponential moving average. `memory` is from 0 (no smoothing) to below 1. The first values are corrected, so that they
 * do not begin at zero (Kingma and Ba 2015). Gaps stay gaps.
 */
export function smoothed(values: readonly (number | null)[], memory: number): (number | null)[] {
  let [sum, weight] = [0, 0];
  return values.map((value) => {
    if (value === null || !Number.isFinite(value)) return null;
    sum = memory * sum + (1 - memory) * value;
    weight = memory * weight + (1 - memory);
    return sum / weight;
  });
}
