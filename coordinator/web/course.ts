/** What the lines of metrics.jsonl say of a run so far: its curve, its newest figures, the newest hash. Pure. */
import { limits } from '../../shared/limits.js';
import type { MetricsLine } from '../archive/config.js';
import type { StepScore } from '../run/trainer.js';
import { BoundedCurve } from './curve.js';

/** The hash of weights, and the number of updates that made them. */
export interface HashedStep {
  readonly step: number;
  readonly sha256: string;
}

/** The evaluations of one set so far: the newest one, and the highest accuracy. */
export interface Evaluations {
  readonly newest: StepScore | null;
  readonly bestAccuracy: number | null;
}

const none: Evaluations = { newest: null, bestAccuracy: null };

export class Course {
  readonly curve = new BoundedCurve(limits.curvePointsMax);
  private newest_: MetricsLine | null = null;
  private hashed_: HashedStep | null = null;
  private validation_ = none;
  private test_ = none;

  /** The line of the newest step. */
  get newest(): MetricsLine | null {
    return this.newest_;
  }

  /** The newest hash in the lines, or the hash of the final weights. */
  get hashed(): HashedStep | null {
    return this.hashed_;
  }

  get validation(): Evaluations {
    return this.validation_;
  }

  get test(): Evaluations {
    return this.test_;
  }

  follow(line: MetricsLine): void {
    this.newest_ = line;
    const { step, loss, trainAccuracy, weightsSha256 } = line;
    if (weightsSha256 !== undefined) this.hashed_ = { step, sha256: weightsSha256 };
    const validation = evaluationOf(step, line.validationLoss, line.validationAccuracy);
    const test = evaluationOf(step, line.testLoss, line.testAccuracy);
    this.validation_ = withNewest(this.validation_, validation);
    this.test_ = withNewest(this.test_, test);
    // A loss that left the range of numbers is null in the file, and has no place on a curve.
    if (Number.isFinite(loss) && Number.isFinite(trainAccuracy)) {
      this.curve.add({ step, loss, accuracy: trainAccuracy, validation, test });
    }
  }

  /** The run has ended, and its final weights have this hash. */
  ended(hashed: HashedStep): void {
    this.hashed_ = hashed;
  }

  /** Forgets everything, because the lines begin again. */
  restart(): void {
    this.curve.clear();
    this.newest_ = null;
    this.hashed_ = null;
    this.validation_ = none;
    this.test_ = none;
  }
}

function evaluationOf(step: number, loss: number | undefined, accuracy: number | undefined): StepScore | null {
  return Number.isFinite(loss) && Number.isFinite(accuracy) ? { step, loss: loss!, accuracy: accuracy! } : null;
}

function withNewest(before: Evaluations, newest: StepScore | null): Evaluations {
  if (newest === null) return before;
  return { newest, bestAccuracy: Math.max(before.bestAccuracy ?? 0, newest.accuracy) };
}
