/** The error of a run that has diverged (E5). */
import { LockstepError } from '../../shared/errors.js';
import { shorter } from '../../shared/figures.js';
import type { RunSetup } from './setup.js';

/** Names the step and what to try. `steps` is the number of updates before it. */
export function divergence(steps: number, { config: { optimizer, rounds } }: Pick<RunSetup, 'config'>): LockstepError {
  const { rate } = optimizer;
  const smaller = `try a smaller learning rate (--lr ${shorter(rate / 10)} instead of ${shorter(rate)})`;
  const lessMomentum = 'momentum' in optimizer ? `${smaller} or less momentum` : smaller;
  const remedy = rounds === undefined ? lessMomentum : `${lessMomentum}, or a smaller --outer-lr`;
  const place = rounds === undefined ? 'at step' : 'in round';
  return new LockstepError(
    'diverged',
    `training diverged ${place} ${steps + 1}: the numbers grew beyond all bounds; ${remedy}`,
  );
}
