import { expect, it } from 'vitest';
import { LeasedSums } from '../../worker/leased-sums.js';

/** Three sums whose jobs end when the test says so. A sum's pointer is 100 and its number. */
class Played {
  readonly told: string[] = [];
  readonly end: (() => void)[] = [];
  readonly sums = new LeasedSums(
    {
      pool: { cancel: (job) => this.told.push(`cancel ${job}`) },
      buffers: { release: (sum) => this.told.push(`release ${sum}`) },
    },
    3,
    {
      next: (sum, n) => this.told.push(`next ${n}: ${sum}`),
      all: (sums) => this.told.push(`all ${sums.join(' ')}`),
    },
  );

  constructor() {
    this.sums.begin(
      [0, 1, 2].map((n) => (whenSummed) => {
        this.end.push(() => whenSummed(100 + n));
        return n;
      }),
    );
  }

  /** What is told when a job ends. */
  ended(n: number): string[] {
    this.told.length = 0;
    this.end[n]();
    return [...this.told];
  }
}

it('tells each sum as soon as those before it are ready, and releases them at the end', () => {
  const played = new Played();
  expect(played.ended(1)).toEqual([]);
  expect(played.ended(0)).toEqual(['next 0: 100', 'next 1: 101']);
  const [next, all, ...released] = played.ended(2);
  expect([next, all]).toEqual(['next 2: 102', 'all 100 101 102']);
  expect(released.sort()).toEqual(['release 100', 'release 101', 'release 102']);
});

it('cancels the jobs that have not ended, and releases the sums of the others', () => {
  const played = new Played();
  played.ended(0);
  played.told.length = 0;
  played.sums.cancel();
  expect(played.told).toEqual(['cancel 1', 'cancel 2', 'release 100']);
});
