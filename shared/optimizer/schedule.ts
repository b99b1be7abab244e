/**
 * Schedules: how the learning rate changes from step to step. A rate is a function of the step and of the planned length of
 * the run. It is computed in double precision from + - * / and sines of our own, and rounded to float32 at the end, so it
 * is the same on every engine.
 *
 * What this is not: a state. A run that goes on at some step takes the same rates as one that was never disturbed.
 */
import { LockstepError } from '../errors.js';
import { type Check, fraction, notNegative, object, oneOf, wholeNumber } from '../fields.js';
import { limits } from '../limits.js';
import { power } from './power.js';

/** All steps take the optimizer's rate. */
interface ConstantSchedule {
  readonly name: 'constant';
}

/** The rate is multiplied by `factor` after every `every` epochs. */
interface StepSchedule {
  readonly name: 'step';
  readonly every: number;
  readonly factor: number;
}

/** The rate changes to the part `to` of the optimizer's rate, along a straight line or along half a cosine. */
interface FallingSchedule<Name> {
  readonly name: Name;
  readonly to: number;
}

/**
 * Up from the part `from` of the optimizer's rate to the whole, then down to the part `to`, each along half a cosine (Smith
 * 2018, as in PyTorch). `warmUp` is the part of the steps that the way up takes.
 */
interface OneCycleSchedule {
  readonly name: 'one-cycle';
  readonly warmUp: number;
  readonly from: number;
  readonly to: number;
}

/** The length of a run, as it is planned: a limit on its steps does not count. */
export interface RunLength {
  readonly epochs: number;
  readonly stepsPerEpoch: number;
}

interface ScheduleKind<Description> {
  readonly check: Check;
  /** The settings, where nobody gives others. */
  readonly defaults: Description;
  /** Whether the rates depend on the number of epochs. A run with such a schedule cannot go on with more of them. */
  readonly knowsEnd: boolean;
  /** The part of the optimizer's rate that a step takes. The first step is 0. */
  partAt(description: Description, step: number, length: RunLength): number;
}

const constant: ScheduleKind<ConstantSchedule> = {
  check: object<ConstantSchedule>({ name: oneOf('constant') }),
  defaults: { name: 'constant' },
  knowsEnd: false,
  partAt: () => 1,
};

const stairs: ScheduleKind<StepSchedule> = {
  check: object<StepSchedule>({ name: oneOf('step'), every: wholeNumber(1, limits.epochsMax), factor: notNegative }),
  defaults: { name: 'step', every: 10, factor: 0.1 },
  knowsEnd: false,
  partAt: ({ every, factor }, step, { stepsPerEpoch }) => power(factor, Math.floor(step / (every * stepsPerEpoch))),
};

const linear: ScheduleKind<FallingSchedule<'linear'>> = {
  check: object<FallingSchedule<'linear'>>({ name: oneOf('linear'), to: notNegative }),
  defaults: { name: 'linear', to: 0 },
  knowsEnd: true,
  partAt: ({ to }, step, length) => 1 - (1 - to) * (step / stepsOf(length)),
};

const cosine: ScheduleKind<FallingSchedule<'cosine'>> = {
  check: object<FallingSchedule<'cosine'>>({ name: oneOf('cosine'), to: notNegative }),
  defaults: { name: 'cosine', to: 0 },
  knowsEnd: true,
  partAt: ({ to }, step, length) => between(1, to, step / stepsOf(length)),
};

const oneCycle: ScheduleKind<OneCycleSchedule> = {
  check: object<OneCycleSchedule>({ name: oneOf('one-cycle'), warmUp: fraction, from: notNegative, to: notNegative }),
  defaults: { name: 'one-cycle', warmUp: 0.3, from: 0.04, to: 0.0001 },
  knowsEnd: true,
  partAt({ warmUp, from, to }, step, length) {
    const last = stepsOf(length) - 1;
    // Where the rate is the whole one. It need not be a whole number.
    const peak = Math.max(0, warmUp * stepsOf(length) - 1);
    if (step < peak) return between(from, 1, step / peak);
    return between(1, to, last > peak ? (step - peak) / (last - peak) : 0);
  },
};

const kinds = { constant, step: stairs, linear, cosine, 'one-cycle': oneCycle };

export type ScheduleName = keyof typeof kinds;
type Described<Kind> = Kind extends ScheduleKind<infer Description> ? Description : never;

/** A schedule in `config.json`. */
export type ScheduleDescription = Described<(typeof kinds)[ScheduleName]>;

/** A schedule, and the length of the run that it is for. */
export interface PlannedSchedule extends RunLength {
  readonly schedule: ScheduleDescription;
}

export const scheduleNames = Object.keys(kinds) as readonly ScheduleName[];

const checkName = oneOf(...scheduleNames);

/** Checks that a schedule is a known one and has its settings. */
export const checkSchedule: Check = (path, x) => {
  const name = typeof x === 'object' && x !== null && Object.hasOwn(x, 'name') ? (x as { name: unknown }).name : null;
  return checkName(`${path}.name`, name) ?? kinds[name as ScheduleName].check(path, x);
};

function scheduleOf({ name }: Pick<ScheduleDescription, 'name'>): ScheduleKind<ScheduleDescription> {
  return kinds[name] as ScheduleKind<ScheduleDescription>;
}

/** The settings that a schedule has, where nobody gives others. Throws `usage` for an unknown name. */
export function scheduleDefaults(name: ScheduleName): ScheduleDescription {
  const fault = checkName('schedule', name);
  if (fault !== null) throw new LockstepError('usage', fault);
  return kinds[name].defaults;
}

/** Whether the rates depend on the number of epochs. */
export function knowsEnd(schedule: ScheduleDescription): boolean {
  return scheduleOf(schedule).knowsEnd;
}

/** The rate of a step, a float32. `rate` is the optimizer's, and `step` the number of updates before this one. */
export function rateAt(rate: number, planned: PlannedSchedule, step: number): number {
  const { schedule } = planned;
  return Math.fround(rate * scheduleOf(schedule).partAt(schedule, step, planned));
}

/**
 * Replaces the given settings of a schedule. Throws `usage` for a setting that the schedule does not have, or that is out
 * of range.
 */
export function withScheduleSettings(
  schedule: ScheduleDescription,
  given: Readonly<Record<string, unknown>>,
): ScheduleDescription {
  const settings = Object.entries(given).filter(([, value]) => value !== undefined);
  const replaced: unknown = { ...schedule, ...Object.fromEntries(settings) };
  const fault = checkSchedule('schedule', replaced);
  if (fault !== null) throw new LockstepError('usage', fault);
  return replaced as ScheduleDescription;
}

function stepsOf({ epochs, stepsPerEpoch }: RunLength): number {
  return epochs * stepsPerEpoch;
}

/** From `a` to `b` along half a cosine: `a` where p is 0, `b` where p is 1. */
function between(a: number, b: number, p: number): number {
  return b + (a - b) * fall(p);
}

/** (1 + cos(pi p)) / 2 for p from 0 to 1. */
function fall(p: number): number {
  if (p > 0.5) return squaredSine(1 - p);
  return 1 - squaredSine(p);
}

/** sin(pi p / 2)^2 for p from 0 to 1/2, from the Taylor series of the sine: eight terms are exact to double precision. */
function squaredSine(p: number): number {
  const x = p * (Math.PI / 2);
  let series = 1;
  for (let k = 7; k >= 1; k--) series = 1 - ((x * x) / (2 * k * (2 * k + 1))) * series;
  return x * series * (x * series);
}
