/** The settings that say how the weights are updated: the optimizer, the schedule of its rate, and their options. */
import { LockstepError } from '../../shared/errors.js';
import { shorter } from '../../shared/figures.js';
import {
  type OptimizerDescription,
  type OptimizerName,
  optimizerDefaults,
  optimizerSettings,
  withSettings,
} from '../../shared/optimizer/optimizers.js';
import {
  type ScheduleDescription,
  type ScheduleName,
  scheduleDefaults,
  withScheduleSettings,
} from '../../shared/optimizer/schedule.js';

/** What the user gives. A setting that is left out is that of the base, or the default of another optimizer. */
export interface GivenUpdate {
  readonly optimizer?: OptimizerName | undefined;
  /** Learning rate. */
  readonly lr?: number | undefined;
  readonly momentum?: number | undefined;
  readonly nesterov?: boolean | undefined;
  readonly weightDecay?: number | undefined;
  readonly beta1?: number | undefined;
  readonly beta2?: number | undefined;
  readonly epsilon?: number | undefined;
  readonly schedule?: ScheduleName | undefined;
  readonly warmUp?: number | undefined;
  readonly lrFrom?: number | undefined;
  readonly lrTo?: number | undefined;
  readonly lrEvery?: number | undefined;
  readonly lrFactor?: number | undefined;
}

/** What a given setting is called in a description, and on the command line. */
type Names = Readonly<Record<string, { readonly setting: string; readonly option: string }>>;

const optimizerOptions: Names = {
  lr: { setting: 'rate', option: '--lr' },
  momentum: { setting: 'momentum', option: '--momentum' },
  nesterov: { setting: 'nesterov', option: '--nesterov' },
  weightDecay: { setting: 'decay', option: '--weight-decay' },
  beta1: { setting: 'beta1', option: '--beta1' },
  beta2: { setting: 'beta2', option: '--beta2' },
  epsilon: { setting: 'epsilon', option: '--epsilon' },
};

const scheduleOptions: Names = {
  warmUp: { setting: 'warmUp', option: '--warm-up' },
  lrFrom: { setting: 'from', option: '--lr-from' },
  lrTo: { setting: 'to', option: '--lr-to' },
  lrEvery: { setting: 'every', option: '--lr-every' },
  lrFactor: { setting: 'factor', option: '--lr-factor' },
};

/** `base` is the optimizer where the user names none, or names the same. Throws `usage` for what does not fit. */
export function completeOptimizer(given: GivenUpdate, base: OptimizerDescription): OptimizerDescription {
  const name = given.optimizer ?? base.name;
  const optimizer = name === base.name ? base : optimizerDefaults(name);
  return withSettings(optimizer, settingsOf(given, optimizerOptions, `the optimizer ${name}`, optimizerSettings(name)));
}

/** The same for the schedule. */
export function completeSchedule(given: GivenUpdate, base: ScheduleDescription): ScheduleDescription {
  const name = given.schedule ?? base.name;
  const schedule = name === base.name ? base : scheduleDefaults(name);
  const settings = settingsOf(given, scheduleOptions, `the schedule ${name}`, Object.keys(schedule));
  return withScheduleSettings(schedule, settings);
}

/** The options of the command line that stand for them, each with its value. Defaults other than the rate are left out. */
export function updateOptions(optimizer: OptimizerDescription, schedule: ScheduleDescription): string[] {
  const { rate: _, ...usual } = optimizerDefaults(optimizer.name);
  const update = [`--optimizer ${optimizer.name}`, ...optionsFor(optimizer, usual, optimizerOptions)];
  if (schedule.name === 'constant') return update;
  const shape = optionsFor(schedule, scheduleDefaults(schedule.name), scheduleOptions);
  return [...update, `--schedule ${schedule.name}`, ...shape];
}

function optionsFor(described: object, usual: object, names: Names): string[] {
  const defaults: Readonly<Record<string, unknown>> = { ...usual };
  const settings: Readonly<Record<string, unknown>> = { ...described };
  return Object.values(names).flatMap(({ setting, option }) => {
    const value = settings[setting];
    if (value === true) return [option];
    if (typeof value !== 'number' || shorter(value) === defaults[setting]) return [];
    return [`${option} ${shorter(value)}`];
  });
}

/** The given settings by their names in a description. `known` are those that `owner` has. */
function settingsOf(given: GivenUpdate, names: Names, owner: string, known: readonly string[]) {
  const settings: Record<string, number | boolean> = {};
  for (const [key, { setting, option }] of Object.entries(names)) {
    const value = given[key as keyof GivenUpdate];
    if (typeof value !== 'number' && typeof value !== 'boolean') continue;
    if (!known.includes(setting)) throw foreign(option, owner, names, known);
    settings[setting] = value;
  }
  return settings;
}

function foreign(option: string, owner: string, names: Names, known: readonly string[]): LockstepError {
  const all = Object.values(names).filter(({ setting }) => known.includes(setting));
  const has = all.length === 0 ? 'no settings' : all.map((name) => name.option).join(', ');
  return new LockstepError('usage', `${option} is no setting of ${owner}, which has ${has}`);
}
