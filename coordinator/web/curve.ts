/**
 * The curve of a run as a bounded number of points. At first each step has a point. Whenever there are too many points,
 * each pair becomes one point, the mean of both, and each later point stands for as many steps. Pure.
 */
import { shorter } from '../../shared/figures.js';
import type { Score } from '../run/trainer.js';
import type { CurvePoint } from './state.js';

/** One step as it was recorded. */
export interface CurveStep {
  readonly step: number;
  readonly loss: number;
  readonly accuracy: number;
  /** The evaluation after it. One of them is null, or both. */
  readonly validation: Score | null;
  readonly test: Score | null;
}

/** The part of the curve that a viewer already has. */
export interface CurveMark {
  /** Counts the times that points were merged or forgotten. */
  readonly generation: number;
  readonly points: number;
}

export class BoundedCurve {
  private points: CurvePoint[] = [];
  private generation = 0;
  /** Steps that a point stands for. */
  private stride = 1;
  /** Sums over the steps since the newest point. */
  private open = { steps: 0, loss: 0, accuracy: 0 };

  /** `pointsMax` is even. */
  constructor(private readonly pointsMax: number) {}

  /** A step with an evaluation ends a point, so that the evaluation is shown at once and at its own step. */
  add({ step, loss, accuracy, validation, test }: CurveStep): void {
    const { open } = this;
    open.steps += 1;
    open.loss += loss;
    open.accuracy += accuracy;
    if (open.steps < this.stride && (validation ?? test) === null) return;
    const mean = { loss: shorter(open.loss / open.steps), accuracy: shorter(open.accuracy / open.steps) };
    this.open = { steps: 0, loss: 0, accuracy: 0 };
    this.points.push({
      step,
      ...mean,
      ...(validation !== null && {
        validationLoss: shorter(validation.loss),
        validationAccuracy: shorter(validation.accuracy),
      }),
      ...(test !== null && { testLoss: shorter(test.loss), testAccuracy: shorter(test.accuracy) }),
    });
    if (this.points.length >= this.pointsMax) this.halve();
  }

  get mark(): CurveMark {
    return { generation: this.generation, points: this.points.length };
  }

  /** The points since the mark. Null if older points have changed since then, so that all points must be sent. */
  since({ generation, points }: CurveMark): readonly CurvePoint[] | null {
    return generation === this.generation ? this.points.slice(points) : null;
  }

  all(): readonly CurvePoint[] {
    return this.points;
  }

  /** Forgets all points. */
  clear(): void {
    this.points = [];
    this.generation += 1;
    this.stride = 1;
    this.open = { steps: 0, loss: 0, accuracy: 0 };
  }

  private halve(): void {
    const halved: CurvePoint[] = [];
    for (let i = 0; i < this.points.length; i += 2) halved.push(merged(this.points[i], this.points[i + 1]));
    this.points = halved;
    this.stride *= 2;
    this.generation += 1;
  }
}

/** The mean of two points. It keeps the evaluation with its step. If both points have one, it keeps the newer one. */
function merged(a: CurvePoint, b: CurvePoint): CurvePoint {
  const evaluated = isEvaluated(a) && !isEvaluated(b) ? a : b;
  return { ...evaluated, loss: shorter((a.loss + b.loss) / 2), accuracy: shorter((a.accuracy + b.accuracy) / 2) };
}

function isEvaluated({ validationLoss, testLoss }: CurvePoint): boolean {
  return (validationLoss ?? testLoss) !== undefined;
}
