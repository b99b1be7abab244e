/**
 * The sums that a leased shard is answered with: one, or one for each of its slots. They may be ready in any order, and are
 * told in the order of the slots, each as soon as those before it are ready.
 */
import type { Pointer } from '../shared/arithmetic/kernels.js';

/** Hears of the sums. All of them are valid until `all` returns. */
export interface SumsObserver {
  /** The sum number `n` is ready, and so are all before it. */
  next(sum: Pointer, n: number): void;
  /** After the last call of `next`. */
  all(sums: readonly Pointer[]): void;
}

/** What is needed of a machine. */
export interface SummingMachine {
  readonly pool: { cancel(job: number): void };
  readonly buffers: { release(sum: Pointer): void };
}

export class LeasedSums {
  private readonly jobs: number[] = [];
  /** The sum of each job that is done. */
  private readonly sums = new Map<number, Pointer>();
  /** `next` was called for the sums 0 .. `told - 1`. */
  private told = 0;

  constructor(
    private readonly machine: SummingMachine,
    private readonly count: number,
    private readonly observer: SumsObserver,
  ) {}

  /** Starts a job for each sum. A job may be done before the call that started it returns. */
  begin(jobs: readonly ((whenSummed: (sum: Pointer) => void) => number)[]): void {
    for (const [n, start] of jobs.entries()) this.jobs.push(start((sum) => this.summed(n, sum)));
  }

  cancel(): void {
    for (const [n, job] of this.jobs.entries()) if (!this.sums.has(n)) this.machine.pool.cancel(job);
    this.release();
  }

  private summed(n: number, sum: Pointer): void {
    this.sums.set(n, sum);
    while (this.sums.has(this.told)) {
      this.observer.next(this.sums.get(this.told)!, this.told);
      this.told += 1;
    }
    if (this.told < this.count) return;
    this.observer.all(Array.from({ length: this.count }, (_, i) => this.sums.get(i)!));
    this.release();
  }

  private release(): void {
    for (const sum of this.sums.values()) this.machine.buffers.release(sum);
    this.sums.clear();
  }
}
