/** The input of every section of the benchmark. */
import type { Pixels } from './dataset.js';
import type { Findings } from './findings.js';
import { type Command, shown } from './processes.js';
import type { Python } from './pythons.js';
import type { Row } from './rows.js';

export interface Context {
  /** The top directory of the source tree. */
  readonly root: string;
  /** A temporary directory, which is removed at the end. */
  readonly scratch: string;
  readonly mnist: Pixels;
  /** Every interpreter that has PyTorch. */
  readonly pythons: readonly Python[];
  /** The rows that the user has chosen. Only some sections have rows with convolutions. */
  readonly rows: readonly Row[];
  readonly convolutionRows: readonly Row[];
  /** Whether the user has chosen a row of this name. For sections with rows of their own. */
  isChosen(name: string): boolean;
  /** Number of rounds of a contest. */
  readonly rounds: number;
  /** Length of one measurement. */
  readonly seconds: number;
  /** Whether this is only a smoke test: then everything is short, and no figure is reliable. */
  readonly quick: boolean;
  log(line: string): void;
}

export interface Section {
  readonly name: string;
  readonly title: string;
  run(context: Context, findings: Findings): Promise<void>;
}

/** Says that something that a section needs is not installed. The report then names the section as left out. */
export class Unavailable extends Error {}

/** A command as the report shows it, with names such as $SCRATCH in place of the paths of this machine. */
export function readable(command: Command, { root, scratch, mnist, pythons }: Context): string {
  return [
    [process.execPath, 'node'],
    ...pythons.map(({ program, torch }) => [program, `python-with-torch-${torch}`]),
    [mnist.directory, '$LOCKSTEP_DATA'],
    [scratch, '$SCRATCH'],
    [`${root}/`, ''],
  ]
    .reduce((text, [place, name]) => text.replaceAll(place, name), shown(command))
    .replace(/run-\w+\/run/, 'run');
}
