/** Compares the rates of every schedule with its formula, at both ends, in the middle, and all the way. */
import { describe, expect, it } from 'vitest';
import {
  checkSchedule,
  knowsEnd,
  type PlannedSchedule,
  rateAt,
  type ScheduleDescription,
  type ScheduleName,
  scheduleDefaults,
  scheduleNames,
  withScheduleSettings,
} from '../../../shared/optimizer/schedule.js';

const stepsPerEpoch = 25;
const epochs = 8;
const steps = epochs * stepsPerEpoch;
const rate = Math.fround(0.1);

function ratesOf(schedule: ScheduleDescription, length = { epochs, stepsPerEpoch }): number[] {
  const planned: PlannedSchedule = { schedule, ...length };
  return Array.from({ length: length.epochs * length.stepsPerEpoch }, (_, step) => rateAt(rate, planned, step));
}

/** The cosine between two parts, as most libraries compute it. */
const between = (a: number, b: number, p: number) => b + ((a - b) * (1 + Math.cos(Math.PI * p))) / 2;

const [warmUp, from, to] = [0.3, 0.04, 0.0001];
/** PyTorch's OneCycleLR with these parts has `pct_start` 0.3, `div_factor` 25 and `final_div_factor` 400. */
const peak = warmUp * steps - 1;

/** The part of the rate that each step takes, from the engine's own functions. */
const formulas: Record<ScheduleName, [ScheduleDescription, (step: number) => number]> = {
  constant: [{ name: 'constant' }, () => 1],
  step: [{ name: 'step', every: 3, factor: 0.5 }, (step) => 0.5 ** Math.floor(step / 75)],
  linear: [{ name: 'linear', to: 0.25 }, (step) => 1 - (0.75 * step) / steps],
  cosine: [{ name: 'cosine', to: 0.25 }, (step) => between(1, 0.25, step / steps)],
  'one-cycle': [
    { name: 'one-cycle', warmUp, from, to },
    (step) => (step <= peak ? between(from, 1, step / peak) : between(1, to, (step - peak) / (steps - 1 - peak))),
  ],
};

describe.each(Object.entries(formulas))('the schedule %s', (name, [schedule, part]) => {
  it('has the rates of its formula', () => {
    for (const [step, actual] of ratesOf(schedule).entries()) {
      // A float32 has 24 bits.
      expect(Math.abs(actual / (rate * part(step)) - 1), `step ${step}`).toBeLessThan(2 ** -23);
      expect(actual).toBe(Math.fround(actual));
    }
  });

  it('is valid with its settings and its defaults, and with no other field', () => {
    for (const each of [schedule, scheduleDefaults(name as ScheduleName)]) {
      expect(checkSchedule('schedule', each)).toBeNull();
      expect(each.name).toBe(name);
      for (const field of Object.keys(each)) {
        expect(checkSchedule('schedule', { ...each, [field]: null })).toContain(`schedule.${field} must be`);
      }
    }
    expect(checkSchedule('schedule', { ...schedule, colour: 1 })).toContain('unknown field "colour"');
  });

  it('depends on the number of epochs exactly if it says so', () => {
    const longer = ratesOf(schedule, { epochs: epochs + 1, stepsPerEpoch }).slice(0, steps);
    expect(longer.join() !== ratesOf(schedule).join()).toBe(knowsEnd(schedule));
  });

  it('has a rate for every step of a run of one step', () => {
    const [only] = ratesOf(schedule, { epochs: 1, stepsPerEpoch: 1 });
    expect(only).toBe(rate);
  });
});

describe('rates', () => {
  const falls = (rates: number[]) => rates.every((x, i) => i === 0 || x < rates[i - 1]);

  it('of linear and cosine begin with the whole rate, and fall in every step', () => {
    for (const name of ['linear', 'cosine'] as const) {
      const rates = ratesOf(scheduleDefaults(name));
      expect(rates[0]).toBe(rate);
      expect(falls(rates)).toBe(true);
      expect(rates[steps / 2]).toBeCloseTo(rate / 2, 8);
      expect(rates[steps - 1]).toBeGreaterThan(0);
      expect(rates[steps - 1]).toBeLessThan((1.01 * rate) / steps);
    }
  });

  it('may rise', () => {
    const rates = ratesOf({ name: 'linear', to: 2 });
    expect(falls(rates.toReversed())).toBe(true);
  });

  it('of one cycle rise to the whole rate, and fall to the end', () => {
    // The whole rate comes at a step: 0.3 of 200 steps, less 1.
    const rates = ratesOf({ name: 'one-cycle', warmUp, from, to });
    expect(rates[0]).toBe(Math.fround(rate * from));
    expect(rates[59]).toBe(rate);
    expect(rates[steps - 1]).toBe(Math.fround(rate * to));
    expect(falls(rates.slice(0, 60).toReversed())).toBe(true);
    expect(falls(rates.slice(59))).toBe(true);
  });

  it('of one cycle may only rise, or only fall', () => {
    const rising = ratesOf({ name: 'one-cycle', warmUp: 1, from, to });
    expect(falls(rising.toReversed())).toBe(true);
    expect(rising[steps - 1]).toBe(rate);
    const falling = ratesOf({ name: 'one-cycle', warmUp: 0, from, to });
    expect(falling[0]).toBe(rate);
    expect(falls(falling)).toBe(true);
  });

  it('of step change after whole epochs', () => {
    const rates = ratesOf({ name: 'step', every: 2, factor: 0.5 });
    expect([0, 49, 50, 99, 100, 199].map((step) => rates[step] / rate)).toEqual([1, 1, 0.5, 0.5, 0.25, 0.125]);
  });

  it('fall smoothly where an epoch has very many steps', () => {
    const planned: PlannedSchedule = { schedule: { name: 'cosine', to: 0 }, epochs: 10, stepsPerEpoch: 100_000 };
    let before = Number.POSITIVE_INFINITY;
    for (let step = 0; step < 1_000_000; step += 97) {
      const now = rateAt(rate, planned, step);
      expect(now <= before).toBe(true);
      before = now;
    }
    expect(before).toBeGreaterThan(0);
  });
});

describe('settings of a schedule', () => {
  it('replace those that are given', () => {
    expect(withScheduleSettings(scheduleDefaults('one-cycle'), { warmUp: 0.5, from: undefined })).toEqual({
      name: 'one-cycle',
      warmUp: 0.5,
      from: 0.04,
      to: 0.0001,
    });
  });

  it('are refused out of range, and where the schedule has no such setting', () => {
    const refused = (name: ScheduleName, settings: Record<string, number>) => () =>
      withScheduleSettings(scheduleDefaults(name), settings);
    expect(refused('one-cycle', { warmUp: 1.5 })).toThrow('schedule.warmUp must be a number from 0 to 1');
    expect(refused('step', { every: 1.5 })).toThrow('schedule.every must be a whole number from 1');
    expect(refused('cosine', { to: -1 })).toThrow('schedule.to must be a finite number, 0 or more');
    expect(refused('linear', { factor: 1 })).toThrow('unknown field "factor"');
  });

  it('belong to a schedule that is known', () => {
    expect(scheduleNames).toEqual(['constant', 'step', 'linear', 'cosine', 'one-cycle']);
    expect(checkSchedule('schedule', { name: 'toString' })).toMatch(/^schedule.name must be one of "constant"/);
    expect(() => scheduleDefaults('exponential' as ScheduleName)).toThrow('schedule must be one of "constant"');
  });
});
