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

describe('a coded update', () => {
  const random = new Random(5);
  const [first, sums] = [randomFloats(200, 1, random), Array.from({ length: 30 }, () => randomFloats(200, 1, random))];
  const adam: OptimizerDescription = { name: 'adam', rate: 0.1, beta1: 0.5, beta2: 0.9, epsilon: 1e-6 };
  const statistics = [
    { offset: 60, floats: 10 },
    { offset: 199, floats: 1 },
  ];
  const f = Math.fround;

  it.each([4, 8, 16] as const)('of %i bits subtracts what codes can say, and remembers the rest', (bits) => {
    const [bench, exact] = [
      new UpdateBench({ optimizer: plain }, first, [], bits),
      new UpdateBench({ optimizer: plain }, first),
    ];
    const before = bench.weights;
    bench.update(sums[0], 4);
    exact.update(sums[0], 4);
    const { weights, change } = bench;
    const residual = bench.vectors[1];
    const wanted = before.map((w, i) => f(w - exact.weights[i]));
    expect(weights).toEqual(before.map((w, i) => f(w - change[i])));
    expect(residual).toEqual(wanted.map((c, i) => f(c - change[i])));
    const unit = 2 ** (Math.floor(Math.log2(Math.max(...wanted.slice(0, 64).map(Math.abs)))) - (bits - 2));
    for (const d of change.slice(0, 64)) expect(Number.isInteger(d / unit)).toBe(true);
  });

  it('loses nothing in the long run: weights and residual together are the weights without codes', () => {
    const [bench, exact] = [
      new UpdateBench({ optimizer: plain }, first, [], 4),
      new UpdateBench({ optimizer: plain }, first),
    ];
    for (const sum of sums) {
      bench.update(sum, 4);
      exact.update(sum, 4);
    }
    const residual = bench.vectors[1];
    for (const [i, w] of exact.weights.entries()) {
      expect(bench.weights[i] - residual[i]).toBeCloseTo(w, 5);
      expect(Math.abs(residual[i])).toBeLessThan(0.1);
    }
  });

  it('gives the same bits in parts that end with a block', () => {
    const [whole, cut] = [1, 2].map(() => new UpdateBench({ optimizer: adam, clip: 0.5 }, first, statistics, 8));
    for (const sum of sums.slice(0, 3)) {
      whole.update(sum, 4);
      cut.update(sum, 4, [64, 192]);
    }
    expect([cut.weights, cut.change, cut.vectors]).toEqual([whole.weights, whole.change, whole.vectors]);
    expect(whole.vectors.length).toBe(3);
  });

  it('moves running means as an update without codes does, and sends them as they are', () => {
    const bench = new UpdateBench({ optimizer: plain }, first, statistics, 4);
    const exact = new UpdateBench({ optimizer: plain }, first, statistics);
    bench.update(sums[0], 4);
    exact.update(sums[0], 4);
    for (const { offset, floats } of statistics) {
      const part = (of: readonly number[]) => of.slice(offset, offset + floats);
      expect(part(bench.weights)).toEqual(part(exact.weights));
      expect(part(bench.change)).toEqual(part(exact.weights));
      expect(part(bench.vectors[1])).toEqual(new Array(floats).fill(0));
    }
    expect(bench.weights).not.toEqual(exact.weights);
  });
});
