/** Tests every optimizer: which settings are valid, and that an update in parts equals an update of all weights. */
import { describe, expect, it } from 'vitest';
import { memoryStart } from '../../../shared/arithmetic/backend.js';
import {
  checkOptimizer,
  type OptimizerDescription,
  updateWeights,
  vectorsOf,
  withSettings,
} from '../../../shared/optimizer/optimizers.js';
import { Random } from '../../../shared/random.js';
import { scalar } from '../arithmetic/backends.js';

const examples: OptimizerDescription[] = [
  { name: 'sgd', rate: 0.1, momentum: 0 },
  { name: 'sgd', rate: 0.1, momentum: 0.9 },
];

const floats = 40;

/** The weights and vectors after three steps. Each step updates the weights in parts, which end at `cuts`. */
function trained(optimizer: OptimizerDescription, ...cuts: number[]): number[][] {
  const memory = scalar.createMemory(memoryStart + 4 * floats * 8, false);
  const [weights, sum, ...rest] = Array.from({ length: 8 }, (_, n) => memoryStart + 4 * floats * n);
  const vectors = rest.slice(0, vectorsOf(optimizer).length);
  const view = (at: number) => new Float32Array(memory.buffer, at, floats);
  const random = new Random(1);
  view(weights).forEach((_, i, all) => {
    all[i] = random.uniform() - 0.5;
  });
  for (let step = 0; step < 3; step++) {
    view(sum).forEach((_, i, all) => {
      all[i] = 8 * (random.uniform() - 0.5);
    });
    for (const [i, first] of [0, ...cuts].entries()) {
      const part = { first, floats: (cuts[i] ?? floats) - first, sum, samples: 8, step };
      updateWeights(optimizer, memory, { weights, vectors }, part);
    }
  }
  return [weights, ...vectors].map((at) => [...view(at)]);
}

describe.each(examples)('the optimizer %j', (optimizer) => {
  it('is valid as it is, and with no other field', () => {
    expect(checkOptimizer('optimizer', optimizer)).toBeNull();
    for (const field of Object.keys(optimizer)) {
      expect(checkOptimizer('optimizer', { ...optimizer, [field]: null })).toContain(`optimizer.${field} must be`);
    }
    expect(checkOptimizer('optimizer', { ...optimizer, decay: 1 })).toContain('unknown field "decay"');
  });

  it('changes every weight', () => {
    const [before, after] = [trained({ ...optimizer, rate: 0 }), trained(optimizer)];
    expect(after[0].every((w, i) => w !== before[0][i])).toBe(true);
  });

  it('updates parts of the weights to the same bits as all of them at once', () => {
    const whole = trained(optimizer);
    for (const cuts of [[16], [16, 32], [4, 8, 12, 36]]) expect(trained(optimizer, ...cuts)).toEqual(whole);
  });
});

describe('settings', () => {
  const [, sgd] = examples;

  it('replace those that are given, and are all rounded to float32', () => {
    const rounded = { name: 'sgd', rate: Math.fround(0.1), momentum: Math.fround(0.9) };
    expect(withSettings(sgd, {})).toEqual(rounded);
    expect(withSettings(sgd, { rate: 0.3, momentum: undefined })).toEqual({ ...rounded, rate: Math.fround(0.3) });
  });

  it('are refused where the optimizer has no such setting, or not in this range', () => {
    expect(() => withSettings(sgd, { beta: 0.9 })).toThrow('the optimizer sgd has no beta');
    expect(() => withSettings(sgd, { momentum: 2 })).toThrow('optimizer.momentum must be a number from 0 to 1');
    expect(() => withSettings(sgd, { rate: 1e300 })).toThrow('optimizer.rate must be a finite number');
  });

  it('of something that is no optimizer are refused by its name', () => {
    for (const x of [null, 7, {}, { name: 'toString' }]) {
      expect(checkOptimizer('optimizer', x)).toMatch(/^optimizer.name must be /);
    }
  });
});
