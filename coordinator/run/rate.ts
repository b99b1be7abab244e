/** Samples per second over about the last second of training. The rate of single steps would flicker. */
export class RateMeter {
  private marks: { readonly atMs: number; readonly samples: number }[] = [];
  private total = 0;

  constructor(
    private readonly windowMs: number,
    startMs: number,
  ) {
    this.marks.push({ atMs: startMs, samples: 0 });
  }

  /** Samples since the start. */
  get samples(): number {
    return this.total;
  }

  add(samples: number, nowMs: number): void {
    this.total += samples;
    const newest = this.marks[this.marks.length - 1];
    // Twenty marks in a window are enough. Fast steps share one.
    if (this.marks.length > 1 && nowMs - newest.atMs < this.windowMs / 20) return;
    this.marks.push({ atMs: nowMs, samples: this.total });
    while (this.marks.length > 2 && nowMs - this.marks[1].atMs > this.windowMs) this.marks.shift();
  }

  /** Leaves out the last `ms` milliseconds, in which something else was done. */
  skip(ms: number): void {
    this.marks = this.marks.map(({ atMs, samples }) => ({ atMs: atMs + ms, samples }));
  }

  perSecond(nowMs: number): number {
    const oldest = this.marks[0];
    const passedMs = nowMs - oldest.atMs;
    return passedMs > 0 ? (1000 * (this.total - oldest.samples)) / passedMs : 0;
  }
}
