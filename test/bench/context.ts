/** What every section is given. */
import type { Pixels } from './dataset.js';
import type { Findings } from './findings.js';
import { type Command, shown } from './processes.js';
import type { Row } from './rows.js';
import type { Python } from './torch.js';

export interface Context {
  /** Of the source tree. */
  readonly root: string;
  /** A directory that is removed at the end. */
  readonly scratch: string;
  readonly mnist: Pixels;
  readonly python: Python | null;
  /** Those that were asked for. */
  readonly rows: readonly Row[];
  /** Of a contest. */
  readonly rounds: number;
  /** Seconds of one measurement. */
  readonly seconds: number;
  /** A smoke test: everything is short, no figure means much. */
  readonly quick: boolean;
  log(line: string): void;
}

export interface Section {
  readonly name: string;
  readonly title: string;
  run(context: Context, findings: Findings): Promise<void>;
}

/** Something that a section needs is not installed here: it is left out by name, which is no failure. */
export class Unavailable extends Error {}

/** A command as the report shows it: the places of this machine by what they stand for. */
export function readable(command: Command, { root, scratch, mnist }: Context): string {
  return [
    [process.execPath, 'node'],
    [mnist.directory, '$LOCKSTEP_DATA'],
    [scratch, '$SCRATCH'],
    [`${root}/`, ''],
  ]
    .reduce((text, [place, name]) => text.replaceAll(place, name), shown(command))
    .replace(/run-\w+\/run/, 'run');
}
