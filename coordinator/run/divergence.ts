/** E5: what a run that has diverged tells its user. */
import { LockstepError } from '../../shared/errors.js';
import type { RunSetup } from './setup.js';

/** Names the step, and what to try. `steps` were made. */
export function divergence(steps: number, { config: { optimizer } }: Pick<RunSetup, 'config'>): LockstepError {
  const { rate } = optimizer;
  const smaller = `try a smaller learning rate (--lr ${shorter(rate / 10)} instead of ${shorter(rate)})`;
  const remedy = 'momentum' in optimizer ? `${smaller} or less momentum` : smaller;
  return new LockstepError(
    'diverged',
    `training diverged at step ${steps + 1}: the numbers grew beyond all bounds; ${remedy}`,
  );
}

/** A float32 as people wrote it: 0.1, not 0.10000000149. */
export function shorter(x: number): number {
  return Number(x.toPrecision(6));
}
