/** The table of all optimizers. A description has the name: `{ "name": "sgd", "rate": 0.1, "momentum": 0.9 }`. */
import { LockstepError } from '../errors.js';
import { type Check, oneOf } from '../fields.js';
import type { WireBits } from '../model/coding.js';
import { adam } from './adam.js';
import { adamw } from './adamw.js';
import type { OptimizerKind } from './optimizer.js';
import { sgd } from './sgd.js';

const kinds = {
  sgd,
  adam,
  adamw,
};

export type OptimizerName = keyof typeof kinds;
type Described<Kind> = Kind extends OptimizerKind<infer Description> ? Description : never;

/** An optimizer in `config.json`. Each has a learning rate, `rate`. */
export type OptimizerDescription = Described<(typeof kinds)[OptimizerName]>;

export const optimizerNames = Object.keys(kinds) as readonly OptimizerName[];

const checkName = oneOf(...optimizerNames);

/** Checks that an optimizer is a known one and has its settings. */
export const checkOptimizer: Check = (path, x) => {
  const name = typeof x === 'object' && x !== null && Object.hasOwn(x, 'name') ? (x as { name: unknown }).name : null;
  return checkName(`${path}.name`, name) ?? kinds[name as OptimizerName].check(path, x);
};

/** The kind of a checked description. */
export function optimizerOf({ name }: Pick<OptimizerDescription, 'name'>): OptimizerKind<OptimizerDescription> {
  return kinds[name] as OptimizerKind<OptimizerDescription>;
}

/** The settings that an optimizer has, where nobody gives others. Throws `usage` for an unknown name. */
export function optimizerDefaults(name: OptimizerName): OptimizerDescription {
  const fault = checkName('optimizer', name);
  if (fault !== null) throw new LockstepError('usage', fault);
  return kinds[name].defaults;
}

/** Names of the vectors that an optimizer keeps. */
export function vectorsOf(optimizer: OptimizerDescription): readonly string[] {
  return optimizerOf(optimizer).vectors;
}

/** Names of all vectors that a run's updates keep, in the order of `OptimizerPlace.vectors`. */
export function rememberedBy(run: {
  readonly optimizer: OptimizerDescription;
  readonly wireBits?: WireBits | undefined;
}): readonly string[] {
  const { optimizer, wireBits = 32 } = run;
  return wireBits === 32 ? vectorsOf(optimizer) : [...vectorsOf(optimizer), 'residual'];
}

/** Names of the settings that an optimizer has, with those that its descriptions may leave out. */
export function optimizerSettings(name: OptimizerName): string[] {
  const { defaults, leftOut } = kinds[name];
  return Object.keys({ ...defaults, ...leftOut }).filter((setting) => setting !== 'name');
}

/**
 * Replaces the given settings of an optimizer, and rounds all of its settings to float32, as the kernels take them. Throws
 * `usage` for a setting that the optimizer does not have, or that is out of range.
 */
export function withSettings(
  optimizer: OptimizerDescription,
  given: Readonly<Record<string, number | boolean | undefined>>,
): OptimizerDescription {
  const { name } = optimizer;
  const { leftOut } = kinds[name];
  const settings = Object.entries(given).filter(([, value]) => value !== undefined);
  const foreign = settings.find(([setting]) => !optimizerSettings(name).includes(setting));
  if (foreign !== undefined) throw new LockstepError('usage', `the optimizer ${name} has no ${foreign[0]}`);
  const all = Object.entries({ ...optimizer, ...Object.fromEntries(settings) })
    .map(([setting, x]) => [setting, typeof x === 'number' ? Math.fround(x) : x] as const)
    .filter(([setting, x]) => !Object.hasOwn(leftOut, setting) || leftOut[setting] !== x);
  const replaced: unknown = Object.fromEntries(all);
  const fault = checkOptimizer('optimizer', replaced);
  if (fault !== null) throw new LockstepError('usage', fault);
  return replaced as OptimizerDescription;
}
