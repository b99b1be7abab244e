/**
 * Compares SGD with the formulas of PyTorch's documentation (torch.optim.SGD, dampening 0), in float64 and with every
 * operation rounded to float32.
 */
import { describe, expect, it } from 'vitest';
import type { SgdDescription } from '../../../shared/optimizer/sgd.js';
import { Random } from '../../../shared/random.js';
import { randomFloats, UpdateBench } from './update-bench.js';

interface State {
  w: number;
  v: number;
}

/** One step of PyTorch's loop for one parameter. `f` rounds every result. `g` is the mean gradient. */
function step(
  f: (x: number) => number,
  { rate, momentum, nesterov, decay = 0 }: SgdDescription,
  { w, v }: State,
  g: number,
) {
  let d = g;
  if (decay !== 0) d = f(d + f(decay * w));
  const velocity = f(f(momentum * v) + d);
  if (momentum !== 0) d = nesterov ? f(d + f(momentum * velocity)) : velocity;
  return { w: f(w - f(rate * d)), v: momentum === 0 ? v : velocity };
}

const [rate, momentum, decay] = [0.1, 0.9, 0.05].map(Math.fround);
const cases: SgdDescription[] = [
  { name: 'sgd', rate, momentum: 0 },
  { name: 'sgd', rate, momentum },
  { name: 'sgd', rate, momentum, nesterov: true },
  { name: 'sgd', rate, momentum: 0, decay },
  { name: 'sgd', rate, momentum, decay },
  { name: 'sgd', rate, momentum, nesterov: true, decay },
];

/** A number of samples that is no power of two, so that the mean is rounded. */
const samples = 24;

describe.each(cases)('%j', (optimizer) => {
  const random = new Random(3);
  const weights = randomFloats(50, 1, random);
  const sums = [0, 1, 2].map(() => randomFloats(50, 40, random));

  function expected(f: (x: number) => number): { w: number[]; v: number[] } {
    const states = weights.map((w, i) => {
      return sums.reduce((state: State, sum) => step(f, optimizer, state, f(sum[i] / samples)), { w, v: 0 });
    });
    return { w: states.map(({ w }) => w), v: states.map(({ v }) => v) };
  }

  function trained(): { w: number[]; v: number[] } {
    const bench = new UpdateBench({ optimizer }, weights);
    for (const sum of sums) bench.update(sum, samples);
    return { w: bench.weights, v: bench.vectors[0] };
  }

  it('has the bits of the formulas in float32', () => {
    expect(trained()).toEqual(expected(Math.fround));
  });

  it('has about the results of the formulas in float64', () => {
    const [actual, exact] = [trained(), expected((x) => x)];
    for (const [i, w] of exact.w.entries()) expect(Math.abs(actual.w[i] - w)).toBeLessThan(1e-5);
  });
});

it('shrinks weights that have no gradient by the decay alone', () => {
  const bench = new UpdateBench({ optimizer: { name: 'sgd', rate: 0.5, momentum: 0, decay: 0.25 } }, [8, -16]);
  for (let i = 0; i < 2; i++) bench.update([0, 0], 1);
  expect(bench.weights).toEqual([8 * 0.875 ** 2, -16 * 0.875 ** 2]);
});
