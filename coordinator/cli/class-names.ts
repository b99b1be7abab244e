/** How people call the classes of a model. */
import { outputWidth } from '../../shared/model/parameters.js';
import type { OpenedModel } from '../model/open-model.js';

/** One name for each output. */
export function classNamesOf({ model }: Pick<OpenedModel, 'model'>): string[] {
  return Array.from({ length: outputWidth(model) }, (_, n) => String(n));
}
