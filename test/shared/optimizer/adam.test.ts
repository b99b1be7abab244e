/** Compares Adam and AdamW with the formulas of the papers, and with the same in float32. */
import { describe, expect, it } from 'vitest';
import type { AdamDescription } from '../../../shared/optimizer/adam.js';
import type { AdamWDescription } from '../../../shared/optimizer/adamw.js';
import { power } from '../../../shared/optimizer/power.js';
import { Random } from '../../../shared/random.js';
import { randomFloats, UpdateBench } from './update-bench.js';

const f = Math.fround;
const [rate, beta1, beta2, epsilon, decay] = [0.01, 0.7, 0.9, 1e-8, 0.1].map(f);
const settings = { rate, beta1, beta2, epsilon };
const cases: (AdamDescription | AdamWDescription)[] = [
  { name: 'adam', ...settings },
  { name: 'adam', ...settings, beta1: 0, beta2: f(0.999) },
  { name: 'adamw', ...settings, decay },
];

interface State {
  w: number;
  m: number;
  v: number;
}

/** Algorithm 1 of Kingma and Ba (2015), and line 12 of algorithm 2 of Loshchilov and Hutter (2019), in float64. */
function paper(optimizer: AdamDescription | AdamWDescription, state: State, g: number, t: number): State {
  const { rate, beta1, beta2, epsilon } = optimizer;
  const m = beta1 * state.m + (1 - beta1) * g;
  const v = beta2 * state.v + (1 - beta2) * g * g;
  const [mHat, vHat] = [m / (1 - beta1 ** t), v / (1 - beta2 ** t)];
  const shrink = optimizer.name === 'adamw' ? rate * optimizer.decay * state.w : 0;
  return { m, v, w: state.w - shrink - (rate * mHat) / (Math.sqrt(vHat) + epsilon) };
}

/** E4 of COMPUTATION.md. */
function rounded(optimizer: AdamDescription | AdamWDescription, state: State, g: number, t: number): State {
  const { rate, beta1, beta2, epsilon } = optimizer;
  const m = f(f(beta1 * state.m) + f(f(1 - beta1) * g));
  const v = f(f(beta2 * state.v) + f(f(f(1 - beta2) * g) * g));
  const size = f(rate / (1 - power(beta1, t)));
  const scale = f(1 / Math.sqrt(1 - power(beta2, t)));
  const keep = optimizer.name === 'adamw' ? f(1 - rate * optimizer.decay) : 1;
  const quotient = f(m / f(f(f(Math.sqrt(v)) * scale) + epsilon));
  return { m, v, w: f(f(keep * state.w) - f(size * quotient)) };
}

const samples = 24;
const parameters = 50;

describe.each(cases)('%j', (optimizer) => {
  const random = new Random(3);
  const weights = randomFloats(parameters, 1, random);
  // The last sum is a thousand times smaller, as at the end of a training.
  const sums = [40, 40, 40, 0.04].map((scale) => randomFloats(parameters, scale, random));

  function expected(step: typeof paper, round: (x: number) => number): State[] {
    return weights.map((w, i) =>
      sums.reduce((state: State, sum, t) => step(optimizer, state, round(sum[i] / samples), t + 1), { w, m: 0, v: 0 }),
    );
  }

  const bench = new UpdateBench({ optimizer }, weights);
  for (const sum of sums) bench.update(sum, samples);

  it('has the bits of the formulas in float32', () => {
    const states = expected(rounded, f);
    expect(bench.weights).toEqual(states.map(({ w }) => w));
    expect(bench.vectors).toEqual([states.map(({ m }) => m), states.map(({ v }) => v)]);
  });

  it('has about the results of the papers in float64', () => {
    const states = expected(paper, (x) => x);
    for (const [i, { w }] of states.entries()) expect(Math.abs(bench.weights[i] - w)).toBeLessThan(1e-6);
  });
});

it('leaves weights alone that never had a gradient, except for the decay', () => {
  const adam = new UpdateBench({ optimizer: { name: 'adam', ...settings } }, [3, -5]);
  adam.update([0, 0], 1);
  expect(adam.weights).toEqual([3, -5]);
  const adamw = new UpdateBench({ optimizer: { name: 'adamw', ...settings, rate: 0.5, decay: 0.5 } }, [4, -8]);
  adamw.update([0, 0], 1);
  expect(adamw.weights).toEqual([3, -6]);
});

it('makes a first step of the size of the rate, however large the gradient is', () => {
  const bench = new UpdateBench({ optimizer: { name: 'adam', ...settings } }, [0, 0, 0]);
  bench.update([1e-3, -1, 1e6], 1);
  for (const [i, sign] of [-1, 1, -1].entries()) expect(bench.weights[i] / (sign * rate)).toBeCloseTo(1, 4);
});

describe('power', () => {
  it('multiplies', () => {
    expect([0, 1, 2, 3, 10].map((n) => power(2, n))).toEqual([1, 2, 4, 8, 1024]);
    expect(power(0, 0)).toBe(1);
    expect(power(0, 7)).toBe(0);
    expect(power(f(0.999), 100_000)).toBeLessThan(1e-40);
  });

  it('is near the power, for all steps that count', () => {
    for (const x of [0.7, 0.9, 0.999, 0.9999]) {
      for (const n of [1, 2, 7, 100, 1023]) expect(power(x, n) / x ** n).toBeCloseTo(1, 9);
    }
  });
});
