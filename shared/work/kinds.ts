/**
 * The kinds of work, one entry each: what everybody between the trainer and the kernels has to know of a kind. The
 * pool, the lanes, the fleet, the worker and the wire ask this table and name no kind themselves.
 *
 * What this is not: how a kind is computed. That is in compute/computations.ts, under the same names. Together the two
 * entries are a whole new kind.
 */
import type { SampleSet } from '../data/dataset.js';

export interface WorkKind {
  /** The set whose samples it reads. The set's order says which of them are in which slot (work/orders.ts). */
  readonly set: SampleSet;
  /** Whether a task has a place in the order of training. If not, its `epoch` and `stepInEpoch` are 0. */
  readonly hasPlace: boolean;
  /** Whether weights are made from its sums: a wrong one breaks the run, and a worker's share counts these slots. */
  readonly trains: boolean;
  /** Whether a sum has one float per parameter, before the score that every sum ends with. */
  readonly sumsParameters: boolean;
  /** Whether it also says which class it predicts for each sample: one byte, at the sample's place in its set. */
  readonly predicts: boolean;
  /** How often a sample passes through the network, for estimates of time. A backward pass counts twice. */
  readonly passes: number;
}

/** A kind's name on the wire and everywhere else. */
export type WorkName = 'gradient' | 'evaluation';

export const kinds: Readonly<Record<WorkName, WorkKind>> = {
  gradient: { set: 'train', hasPlace: true, trains: true, sumsParameters: true, predicts: false, passes: 3 },
  evaluation: { set: 'test', hasPlace: false, trains: false, sumsParameters: false, predicts: true, passes: 1 },
};

/** All names. A kind's place in this list is its number in a mailbox; it never travels. */
export const workNames = Object.keys(kinds) as readonly WorkName[];

/** One value for each kind. */
export function forEachKind<T>(make: (kind: WorkKind) => T): Record<WorkName, T> {
  return Object.fromEntries(workNames.map((work) => [work, make(kinds[work])])) as Record<WorkName, T>;
}

/** Floats of a score, the end of every sum: the samples' losses added up, and the number of correct answers. */
export const scoreFloats = 2;

/** Floats of a sum that come before its score: they travel in parts. */
export function tensorFloats(work: WorkName, parameters: number): number {
  return kinds[work].sumsParameters ? parameters : 0;
}

/** Floats of a sum of a model with so many parameters. */
export function sumFloats(work: WorkName, parameters: number): number {
  return tensorFloats(work, parameters) + scoreFloats;
}
