/**
 * How the sum of a shard travels: as one tensor of float32, or, where numbers are coded, as the codes of its slots, one
 * tensor after the other, if these take fewer bits than the sum. The receiver then adds them along the tree. Both ends
 * know the route from the shard alone.
 */
import { changeBlockFloats, codedBlockBytes } from '../arithmetic/kernels.js';
import type { Coding } from '../model/coding.js';
import { kinds, tensorFloats, type WorkName } from '../work/kinds.js';
import { partsOf } from './tensor.js';

/** The figures of a run that determine how its tensors travel. */
export interface TensorContext {
  readonly parameters: number;
  /** How tensors may travel in codes. Null: they do not. */
  readonly coding: Coding | null;
}

/** The shard that a result answers: how many samples and slots it has. */
export interface LeasedWork {
  readonly work: WorkName;
  readonly samples: number;
  readonly slots: number;
}

export interface SumRoute {
  /** Not null if slots travel in codes instead of their sum. */
  readonly coding: Coding | null;
  /** Parts of all tensors, and of each of them. The parts of a tensor follow those of the tensor before. */
  readonly parts: number;
  readonly partsOfTensor: number;
}

export function routeOf(
  { work, slots }: Pick<LeasedWork, 'work' | 'slots'>,
  { parameters, coding }: TensorContext,
): SumRoute {
  const partsOfTensor = partsOf(tensorFloats(work, parameters));
  const isCoded = coding !== null && kinds[work].sumsParameters && slots <= codedSlotsMax(coding);
  return isCoded
    ? { coding, parts: slots * partsOfTensor, partsOfTensor }
    : { coding: null, parts: partsOfTensor, partsOfTensor };
}

/** The largest number of slots whose codes take fewer bytes than their sum: 7, 3 or 1 for 4, 8 or 16 bits. */
export function codedSlotsMax({ bits }: Pick<Coding, 'bits'>): number {
  const [coded, plain] = [codedBlockBytes(changeBlockFloats, bits), 4 * changeBlockFloats];
  return Math.ceil(plain / coded) - 1;
}
