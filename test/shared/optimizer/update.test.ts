/** Tests what shapes an update besides the optimizer: the rate of the step, and clipping. */
import { describe, expect, it } from 'vitest';
import type { OptimizerDescription } from '../../../shared/optimizer/optimizers.js';
import { Random } from '../../../shared/random.js';
import { randomFloats, UpdateBench } from './update-bench.js';

/** With this optimizer, an update takes the gradient away from the weights as it is. */
const plain: OptimizerDescription = { name: 'sgd', rate: 1, momentum: 0 };
const zeros = (count: number) => new Array<number>(count).fill(0);

/** The gradient that an update with `clip` takes, from a sum of `samples` samples. */
function clipped(
  sum: readonly number[],
  samples: number,
  clip: number,
  statistics: { offset: number; floats: number }[] = [],
) {
  const bench = new UpdateBench({ optimizer: plain, clip }, zeros(sum.length), statistics);
  bench.update(sum, samples);
  return bench.weights.map((w) => -w);
}

const norm = (x: readonly number[]) => Math.sqrt(x.reduce((total, each) => total + each * each, 0));

describe('clipping', () => {
  it('scales a gradient to the norm that it may have', () => {
    expect(clipped([12, 16], 2, 5)).toEqual([3, 4]);
    const sum = randomFloats(70, 100, new Random(1));
    const shorter = clipped(sum, 7, 0.5);
    expect(norm(shorter)).toBeCloseTo(0.5, 6);
    for (const [i, g] of shorter.entries()) expect((g * norm(sum)) / sum[i]).toBeCloseTo(0.5, 5);
  });

  it('leaves a gradient alone that is not longer', () => {
    expect(clipped([12, 16], 2, 10)).toEqual([6, 8]);
    expect(clipped([0, 0], 2, 1)).toEqual([0, 0].map((x) => -x));
    const sum = randomFloats(70, 1, new Random(1));
    expect(clipped(sum, 7, 1e30)).toEqual(clipped(sum, 7, norm(sum)));
  });

  it('takes the norm of the mean, whatever the number of samples is', () => {
    expect(clipped([12, 16], 4, 5)).toEqual([3, 4]);
    expect(clipped([12, 16], 1, 5)).toEqual([3, 4]);
  });

  it('does not count or scale running means', () => {
    const statistics = [{ offset: 1, floats: 2 }];
    const [first, , , last] = clipped([12, 1e6, 1e6, 16], 2, 5, statistics);
    expect([first, last]).toEqual([3, 4]);
  });

  it('cannot overflow', () => {
    const [a, b] = clipped([3e38, -3e38], 1, 1);
    expect(a).toBeCloseTo(Math.SQRT1_2, 6);
    expect(b).toBeCloseTo(-Math.SQRT1_2, 6);
  });

  it('comes before the momentum and the decay', () => {
    const optimizer: OptimizerDescription = { name: 'sgd', rate: 1, momentum: 0.5, decay: 0.5 };
    const bench = new UpdateBench({ optimizer, clip: 5 }, [8, 8]);
    bench.update([12, 16], 1);
    expect(bench.vectors).toEqual([[3 + 4, 4 + 4]]);
    expect(bench.weights).toEqual([1, 0]);
  });
});
