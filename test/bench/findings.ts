/** The results of a section: tables for people, figures for programs, and targets that were reached or not. */
import type { Outcome } from './contest.js';
import type { Table } from './table.js';

export interface Target {
  readonly what: string;
  readonly wanted: string;
  readonly measured: string;
  readonly reached: boolean;
}

/** The raw measurements of a contest. */
export interface Figure {
  readonly subject: string;
  readonly outcomes: readonly Outcome[];
}

export class Findings {
  readonly tables: Table[] = [];
  readonly notes: string[] = [];
  readonly targets: Target[] = [];
  readonly commands: string[] = [];
  readonly figures: Figure[] = [];
  /** Whether the section found a wrong answer. The benchmark then ends with an error. */
  failed = false;

  constructor(
    readonly name: string,
    readonly title: string,
  ) {}

  table(title: string, columns: readonly string[], rows: readonly (readonly string[])[]): void {
    this.tables.push({ title, columns, rows });
  }

  /** Adds a note. The same note is added only once. */
  note(text: string): void {
    if (!this.notes.includes(text)) this.notes.push(text);
  }

  command(text: string): void {
    if (!this.commands.includes(text)) this.commands.push(text);
  }

  target(what: string, wanted: string, measured: string, reached: boolean): void {
    this.targets.push({ what, wanted, measured, reached });
  }

  /** Adds the figures and commands of a contest, and a note for each contender that failed. */
  contest(subject: string, outcomes: readonly Outcome[]): void {
    this.figures.push({ subject, outcomes });
    for (const { command, name, fault } of outcomes) {
      this.command(command);
      if (fault !== undefined) this.note(`${subject}: ${name} gave no figure: ${fault}`);
    }
  }
}
