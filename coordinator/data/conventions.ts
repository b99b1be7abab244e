/** What the names of a data set's files say about the way in which its samples are stored. */
import { type Convention, plain } from '../../shared/data/convention.js';

/** `prefix` is what the names have before `train-` and `t10k-`, in small letters. */
export function conventionOf(prefix: string): Convention {
  if (!/^emnist\b/.test(prefix)) return plain;
  return { isTransposed: true, firstLabel: prefix === 'emnist-letters' ? 1 : 0 };
}
