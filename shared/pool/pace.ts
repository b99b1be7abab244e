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
/** A crew whose steps take this many times as long is given up after this time. */
const hopeless = 1.5;
const hopelessMs = 250;

export class Pace {
  private steps = 0;
  private totalMs = 0;

  add(ms: number): void {
    this.steps += 1;
    this.totalMs += ms;
    if (this.totalMs < memoryMs || this.steps < memorySteps) return;
    this.totalMs /= 2;
    this.steps /= 2;
  }

  /** The mean time of a step. */
  get ms(): number {
    return this.totalMs / this.steps;
  }

  get isSettled(): boolean {
    return this.steps >= stepsMin && this.totalMs >= timeMsMin;
  }

  /** Whether this crew's steps take less than `wanted` times as long as another's; null if that is not clear yet. */
  isFaster(otherMs: number, wanted: number): boolean | null {
    const { steps, totalMs } = this;
    const ratio = this.ms / otherMs;
    if (totalMs >= hopelessMs && ratio > hopeless) return false;
    if (!this.isSettled) return null;
    const isSure = steps >= stepsSure && totalMs >= timeMsSure;
    return isSure || Math.abs(ratio - wanted) > clear ? ratio < wanted : null;
  }
}
