/** Tests every optimizer: which settings are valid, and that an update in parts equals an update of all weights. */
import { describe, expect, it } from 'vitest';
import {
  checkOptimizer,
  type OptimizerDescription,
  type OptimizerName,
  optimizerDefaults,
  optimizerNames,
  optimizerSettings,
  withSettings,
} from '../../../shared/optimizer/optimizers.js';
import type { UpdateRules } from '../../../shared/optimizer/update.js';
import { Random } from '../../../shared/random.js';
import { randomFloats, UpdateBench } from './update-bench.js';

const adam = { rate: 0.1, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };

const settings: OptimizerDescription[] = [
  { name: 'sgd', rate: 0.1, momentum: 0 },
  { name: 'sgd', rate: 0.1, momentum: 0.9 },
  { name: 'sgd', rate: 0.1, momentum: 0, decay: 0.5 },
  { name: 'sgd', rate: 0.1, momentum: 0.9, nesterov: true, decay: 0.5 },
  { name: 'adam', ...adam },
  { name: 'adamw', ...adam, decay: 0.5 },
];
/** As a run has them: rounded to float32. */
const examples = settings.map((each) => withSettings(each, {}));

const floats = 43;
/** Two running means, which are no weights. */
const statistics = [
  { offset: 9, floats: 4 },
  { offset: 13, floats: 4 },
];

/** The weights and vectors after three steps. Each step updates the weights in parts, which end at `cuts`. */
function trained(rules: UpdateRules, cuts: readonly number[] | null = null, some = statistics): number[][] {
  const random = new Random(1);
  const bench = new UpdateBench(rules, randomFloats(floats, 0.5, random), some);
  for (let step = 0; step < 3; step++) bench.update(randomFloats(floats, 4, random), 8, cuts);
  return [bench.weights, ...bench.vectors];
}

describe.each(examples)('the optimizer %j', (optimizer) => {
  it('is valid as it is, and with no other field', () => {
    expect(checkOptimizer('optimizer', optimizer)).toBeNull();
    for (const field of Object.keys(optimizer)) {
      expect(checkOptimizer('optimizer', { ...optimizer, [field]: null })).toContain(`optimizer.${field} must be`);
    }
    expect(checkOptimizer('optimizer', { ...optimizer, colour: 1 })).toContain('unknown field "colour"');
  });

  it('changes every weight', () => {
    const [before, after] = [trained({ optimizer: { ...optimizer, rate: 0 } }), trained({ optimizer })];
    expect(after[0].every((w, i) => w !== before[0][i] || (i >= 9 && i < 17))).toBe(true);
  });

  it('updates parts of the weights to the same bits as all of them at once', () => {
    const schedule = { schedule: { name: 'cosine', to: 0 }, epochs: 2, stepsPerEpoch: 3 } as const;
    for (const rules of [{ optimizer }, { optimizer, clip: 0.25, schedule }]) {
      const whole = trained(rules);
      for (const cuts of [[16], [16, 32], [4, 8, 12, 36], [10], [13], [17]])
        expect(trained(rules, cuts)).toEqual(whole);
    }
  });

  it('moves running means as any other optimizer does', () => {
    const [means] = trained({ optimizer, clip: 1e-3 });
    const [others] = trained({ optimizer: { name: 'sgd', rate: 5, momentum: 0 } });
    for (const { offset, floats: count } of statistics) {
      expect(means.slice(offset, offset + count)).toEqual(others.slice(offset, offset + count));
    }
    expect(trained({ optimizer }, null, [])[0]).not.toEqual(trained({ optimizer })[0]);
  });

  it('takes the rate of the step, not its own', () => {
    const scheduled = new UpdateBench(
      { optimizer, schedule: { schedule: { name: 'step', every: 1, factor: 0 }, epochs: 2, stepsPerEpoch: 1 } },
      [1, -2],
    );
    const constant = new UpdateBench({ optimizer }, [1, -2]);
    for (const bench of [scheduled, constant]) bench.update([8, 4], 8);
    const after = scheduled.weights;
    expect(after).toEqual(constant.weights);
    // Now its rate is 0.
    scheduled.update([8, 4], 8);
    expect(scheduled.weights).toEqual(after);
  });
});

describe('every optimizer', () => {
  it.each(optimizerNames)('has defaults that are valid: %s', (name) => {
    expect(checkOptimizer('optimizer', optimizerDefaults(name))).toBeNull();
    expect(optimizerDefaults(name).name).toBe(name);
    expect(optimizerSettings(name)).toContain('rate');
    expect(optimizerSettings(name)).not.toContain('name');
  });

  it('is known by its name', () => {
    expect(() => optimizerDefaults('lion' as OptimizerName)).toThrow('optimizer must be one of "sgd", "adam", "adamw"');
  });
});

describe('settings', () => {
  const [, sgd] = examples;

  it('replace those that are given, and are all rounded to float32', () => {
    const rounded = { name: 'sgd', rate: Math.fround(0.1), momentum: Math.fround(0.9) };
    expect(withSettings(sgd, {})).toEqual(rounded);
    expect(withSettings(sgd, { rate: 0.3, momentum: undefined })).toEqual({ ...rounded, rate: Math.fround(0.3) });
  });

  it('are left out where they change nothing, so that older configurations stay equal', () => {
    expect(withSettings(sgd, { nesterov: false, decay: 0 })).toEqual(sgd);
    expect(withSettings(sgd, { nesterov: true, decay: 0.5 })).toEqual({ ...sgd, nesterov: true, decay: 0.5 });
    expect(withSettings({ ...sgd, nesterov: true } as OptimizerDescription, { nesterov: false })).toEqual(sgd);
    expect(withSettings(optimizerDefaults('adamw'), { decay: 0 })).toMatchObject({ decay: 0 });
  });

  it('are refused where the optimizer has no such setting, or not in this range', () => {
    expect(() => withSettings(sgd, { beta1: 0.9 })).toThrow('the optimizer sgd has no beta1');
    expect(() => withSettings(sgd, { momentum: 2 })).toThrow('optimizer.momentum must be a number from 0 to 1');
    expect(() => withSettings(sgd, { rate: 1e300 })).toThrow('optimizer.rate must be a finite number');
    expect(() => withSettings(sgd, { decay: -1 })).toThrow('optimizer.decay must be a finite number, 0 or more');
    expect(() => withSettings(sgd, { nesterov: true, momentum: 0 })).toThrow('optimizer.nesterov needs a momentum');
  });

  it('of adam must leave something to divide by, as float32', () => {
    const defaults = optimizerDefaults('adam');
    expect(() => withSettings(defaults, { momentum: 0.9 })).toThrow('the optimizer adam has no momentum');
    // The nearest float32 are 1 and 0.
    expect(() => withSettings(defaults, { beta2: 1 - 1e-9 })).toThrow('beta2 must be a number from 0 to below 1');
    expect(() => withSettings(defaults, { epsilon: 1e-50 })).toThrow('epsilon must be a finite number above 0');
  });

  it('of something that is no optimizer are refused by its name', () => {
    for (const x of [null, 7, {}, { name: 'toString' }]) {
      expect(checkOptimizer('optimizer', x)).toMatch(/^optimizer.name must be /);
    }
  });
});
