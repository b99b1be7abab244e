/** What the lines of metrics.jsonl say of a run so far: its curve, its newest figures, the newest hash. Pure. */
import { limits } from '../../shared/limits.js';
import type { MetricsLine } from '../archive/config.js';
import { BoundedCurve } from './curve.js';

/** The hash of weights, and the number of updates that made them. */
export interface HashedStep {
  readonly step: number;
  readonly sha256: string;
}

export interface TestScore {
  readonly step: number;
  readonly loss: number;
  readonly accuracy: number;
}

export class Course {
  readonly curve = new BoundedCurve(limits.curvePointsMax);
  private newest_: MetricsLine | null = null;
  private hashed_: HashedStep | null = null;
  private test_: TestScore | null = null;
  private bestAccuracy_: number | null = null;

  /** The line of the newest step. */
  get newest(): MetricsLine | null {
    return this.newest_;
  }

  /** The newest hash in the lines, or the hash of the final weights. */
  get hashed(): HashedStep | null {
    return this.hashed_;
  }

  /** The newest evaluation. */
  get test(): TestScore | null {
    return this.test_;
  }

  /** The highest accuracy of an evaluation. */
  get bestAccuracy(): number | null {
    return this.bestAccuracy_;
  }

  follow(line: MetricsLine): void {
    this.newest_ = line;
    const { step, loss, trainAccuracy, testLoss, testAccuracy, weightsSha256 } = line;
    if (weightsSha256 !== undefined) this.hashed_ = { step, sha256: weightsSha256 };
    const isEvaluated = Number.isFinite(testLoss) && Number.isFinite(testAccuracy);
    const test = isEvaluated ? { step, loss: testLoss!, accuracy: testAccuracy! } : null;
    if (test !== null) {
      this.test_ = test;
      this.bestAccuracy_ = Math.max(this.bestAccuracy_ ?? 0, test.accuracy);
    }
    // A loss that left the range of numbers is null in the file, and has no place on a curve.
    if (Number.isFinite(loss) && Number.isFinite(trainAccuracy)) {
      this.curve.add({ step, loss, accuracy: trainAccuracy, test });
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
    this.test_ = null;
    this.bestAccuracy_ = null;
  }
}
