/**
 * The table of the kinds of work. The pool, the lanes, the fleet, the worker and the wire look up here what they need to
 * know of a kind, and no code of theirs names a kind.
 *
 * What this is not: the computation. compute/computations.ts has one entry for each kind, under the same name. A new kind
 * needs an entry in both tables and nothing else.
 */
import type { EvaluationSet, SampleSet } from '../data/dataset.js';

export interface WorkKind {
  /** The set whose samples it reads. The order of the set decides which samples are in which slot (orders.ts). */
  readonly set: SampleSet;
  /** Whether its tasks have a place in the order of training. The tasks of other kinds have epoch 0 and step 0. */
  readonly hasPlace: boolean;
  /** Whether its sums change the weights. A wrong sum then breaks the run, and its slots count for a worker's share. */
  readonly trains: boolean;
  /** Whether a sum begins with one float per parameter. Every sum ends with a score. */
  readonly sumsParameters: boolean;
  /** Whether it also predicts the class of each sample: one byte, at the sample's place in its set. */
  readonly predicts: boolean;
  /** Passes of a sample through the network, for estimates of time. A backward pass counts as two. */
  readonly passes: number;
}

/** The name of a kind, also on the wire. */
export type WorkName = 'gradient' | 'evaluation' | 'validation';

const evaluates = { hasPlace: false, trains: false, sumsParameters: false, predicts: true, passes: 1 } as const;

export const kinds: Readonly<Record<WorkName, WorkKind>> = {
  gradient: { set: 'train', hasPlace: true, trains: true, sumsParameters: true, predicts: false, passes: 3 },
  evaluation: { set: 'test', ...evaluates },
  validation: { set: 'validation', ...evaluates },
};

/** The kind of work that evaluates each set. */
export const evaluationOf: Readonly<Record<EvaluationSet, WorkName>> = { validation: 'validation', test: 'evaluation' };

/** All names. The index of a kind in this list is its number in a mailbox. It never goes over the wire. */
export const workNames = Object.keys(kinds) as readonly WorkName[];

/** Makes one value for each kind. */
export function forEachKind<T>(make: (kind: WorkKind) => T): Record<WorkName, T> {
  return Object.fromEntries(workNames.map((work) => [work, make(kinds[work])])) as Record<WorkName, T>;
}

/** Length of a score, the end of every sum: the sum of the samples' losses, and the number of correct answers. */
export const scoreFloats = 2;

/** Length of a sum without its score. This part of a sum is sent in parts (protocol/tensor.ts). */
export function tensorFloats(work: WorkName, parameters: number): number {
  return kinds[work].sumsParameters ? parameters : 0;
}

/** Length of a sum for a model with this number of parameters. */
export function sumFloats(work: WorkName, parameters: number): number {
  return tensorFloats(work, parameters) + scoreFloats;
}
