/** Which kernels a user may wish for. */
import type { Environment } from '../../shared/cache-directory.js';
import { LockstepError } from '../../shared/errors.js';

/** `auto`: native kernels where they can be had, else WebAssembly. `native`: an error where they cannot be had. */
export type KernelsWish = (typeof kernelsWishes)[number];
export const kernelsWishes = ['auto', 'native', 'wasm'] as const;

/** What the variable LOCKSTEP_KERNELS says, or `auto`. Throws `usage` if it says something else. */
export function wishOf({ LOCKSTEP_KERNELS: named }: Environment): KernelsWish {
  if (!named) return 'auto';
  const wish = kernelsWishes.find((each) => each === named);
  if (wish !== undefined) return wish;
  throw new LockstepError('usage', `LOCKSTEP_KERNELS is ${named}, but must be one of ${kernelsWishes.join(', ')}`);
}
