/** How people call the classes of a model. */
import { outputWidth } from '../../shared/model/parameters.js';
import type { OpenedModel } from '../model/open-model.js';

/** One name for each output: that of the data set, or the label. Without a data set, it is that of the training. */
export function classNamesOf(
  { model, config }: Pick<OpenedModel, 'model' | 'config'>,
  names = config?.dataset.classNames,
): string[] {
  return Array.from({ length: outputWidth(model) }, (_, n) => names?.[n] ?? String(n));
}
