/** What judges a run during its training: the validation set if it has one, otherwise the test set. Pure. */
import type { CurvePoint, RunState } from '../web/state.js';

/** The name of the set, for people. */
export function judgeOf({ dataset }: Pick<RunState, 'dataset'>): string {
  return dataset.validation === undefined ? 'test set' : 'validation set';
}

/** The evaluation at a point of the curve; undefined if there was none. */
export function judgedLoss({ validationLoss, testLoss }: CurvePoint): number | undefined {
  return validationLoss ?? testLoss;
}

export function judgedAccuracy({ validationAccuracy, testAccuracy }: CurvePoint): number | undefined {
  return validationAccuracy ?? testAccuracy;
}
