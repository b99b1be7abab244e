/** How long the steps of a crew take. A mean that forgets, because networks and processors change. */

/** What is older than this counts half, if there are enough newer steps. */
const memoryMs = 4_000;
const memorySteps = 8;

/**
 * Steps and time before a mean is worth something. A device that shares its processor may stand still for 100 ms at a
 * time, so short steps must be many.
 */
const stepsMin = 3;
const timeMsMin = 500;
/** The same for a difference that is small. */
const stepsSure = 6;
const timeMsSure = 1_500;
/** A difference that is not small, as a fraction. */
const clear = 0.1;
/**
 * Where members fall asleep, some steps take twice as long as others. A difference counts if it is larger than this many
 * standard errors, or after so many steps.
 */
const errorsWanted = 1.5;
const stepsMax = 12;
/** A crew whose steps take this many times as long is given up after this time. */
const hopeless = 1.5;
const hopelessMs = 250;

export class Pace {
  private steps = 0;
  private totalMs = 0;
  /** The sum of the squares of the times. */
  private squares = 0;
  /** Steps since the beginning. */
  private added = 0;

  add(ms: number): void {
    this.added += 1;
    this.steps += 1;
    this.totalMs += ms;
    this.squares += ms * ms;
    if (this.totalMs < memoryMs || this.steps < memorySteps) return;
    this.totalMs /= 2;
    this.steps /= 2;
    this.squares /= 2;
  }

  /** The mean time of a step. */
  get ms(): number {
    return this.totalMs / this.steps;
  }

  get isSettled(): boolean {
    return this.steps >= stepsMin && this.totalMs >= timeMsMin;
  }

  /**
   * Whether this crew's steps take less than `wanted` times as long as another's, whose variance is `otherVariance`; null if
   * that is not clear yet.
   */
  isFaster(otherMs: number, wanted: number, otherVariance: number): boolean | null {
    const { steps, totalMs } = this;
    const ratio = this.ms / otherMs;
    if (totalMs >= hopelessMs && ratio > hopeless) return false;
    if (!this.isSettled) return null;
    const difference = Math.abs(ratio - wanted);
    if (difference < errorsWanted * ratio * Math.sqrt(this.variance + otherVariance))
      return this.added < stepsMax ? null : ratio < wanted;
    const isSure = steps >= stepsSure && totalMs >= timeMsSure;
    return isSure || difference > clear ? ratio < wanted : null;
  }

  /** The variance of the mean, as a fraction of its square. 0 if there is no mean. */
  get variance(): number {
    const { steps, totalMs, squares } = this;
    if (steps === 0) return 0;
    return Math.max(0, (steps * squares) / (totalMs * totalMs) - 1) / steps;
  }
}
