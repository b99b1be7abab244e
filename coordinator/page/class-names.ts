/** What the page calls the classes of a data set. */
import type { DatasetState } from '../web/state.js';

/** Names that are longer than this need room of their own. */
const SHORT_MAX = 3;

export class ClassNames {
  constructor(private readonly names: DatasetState['classNames']) {}

  /** A model may have more outputs than there are classes, so there may be no name. */
  of(label: number): string {
    return this.names?.[label] ?? String(label);
  }

  /** Whether they are words and not single characters. */
  get areWords(): boolean {
    return this.longest > SHORT_MAX;
  }

  get longest(): number {
    return this.names?.reduce((longest, { length }) => Math.max(longest, length), 0) ?? 0;
  }

  get areDigits(): boolean {
    return this.names === undefined;
  }
}
