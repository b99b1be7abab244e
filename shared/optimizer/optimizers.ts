/** The table of all optimizers. A description has the name: `{ "name": "sgd", "rate": 0.1, "momentum": 0.9 }`. */
import type { KernelMemory } from '../arithmetic/backend.js';
import { LockstepError } from '../errors.js';
import { type Check, oneOf } from '../fields.js';
import type { Span } from '../model/chain.js';
import type { OptimizerKind, OptimizerPlace, UpdatePart } from './optimizer.js';
import { sgd } from './sgd.js';
import { moveStatistics } from './statistics.js';

const kinds = {
  sgd,
};

type Described<Kind> = Kind extends OptimizerKind<infer Description> ? Description : never;

/** An optimizer in `config.json`. Each has a learning rate, `rate`. */
export type OptimizerDescription = Described<(typeof kinds)[keyof typeof kinds]>;

const checkName = oneOf(...Object.keys(kinds));

/** Checks that an optimizer is a known one and has its settings. */
export const checkOptimizer: Check = (path, x) => {
  const name = typeof x === 'object' && x !== null && Object.hasOwn(x, 'name') ? (x as { name: unknown }).name : null;
  return checkName(`${path}.name`, name) ?? kinds[name as keyof typeof kinds].check(path, x);
};

/** Names of the vectors that an optimizer keeps. */
export function vectorsOf({ name }: OptimizerDescription): readonly string[] {
  return kinds[name].vectors;
}

/** Updates a part of the weights (E4). `statistics` are the places in ascending order at which there are no weights. */
export function updateWeights(
  optimizer: OptimizerDescription,
  memory: KernelMemory,
  at: OptimizerPlace,
  part: UpdatePart,
  statistics: readonly Span[] = [],
): void {
  const kind: OptimizerKind<OptimizerDescription> = kinds[optimizer.name];
  const end = part.first + part.floats;
  let first = part.first;
  for (const { offset, floats } of statistics) {
    const [from, to] = [Math.max(first, offset), Math.min(end, offset + floats)];
    if (from >= to) continue;
    if (from > first) kind.update(optimizer, memory, at, { ...part, first, floats: from - first });
    moveStatistics(memory, at.weights, { ...part, first: from, floats: to - from });
    first = to;
  }
  if (first < end) kind.update(optimizer, memory, at, { ...part, first, floats: end - first });
}

/**
 * Replaces the given settings of an optimizer, and rounds all of its settings to float32, as the kernels take them. Throws
 * `usage` for a setting that the optimizer does not have, or that is out of range.
 */
export function withSettings(
  optimizer: OptimizerDescription,
  given: Readonly<Record<string, number | undefined>>,
): OptimizerDescription {
  const settings = Object.entries(given).filter(([, value]) => value !== undefined);
  const foreign = settings.find(([setting]) => !Object.hasOwn(optimizer, setting));
  if (foreign !== undefined) throw new LockstepError('usage', `the optimizer ${optimizer.name} has no ${foreign[0]}`);
  const all = Object.entries({ ...optimizer, ...Object.fromEntries(settings) });
  const rounded = Object.fromEntries(all.map(([name, x]) => [name, typeof x === 'number' ? Math.fround(x) : x]));
  const fault = checkOptimizer('optimizer', rounded);
  if (fault !== null) throw new LockstepError('usage', fault);
  return rounded as unknown as OptimizerDescription;
}
