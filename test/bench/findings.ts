/** What a section found: tables for people, figures for programs, and the targets that it speaks to. */
import type { Outcome } from './contest.js';
import type { Table } from './table.js';

export interface Target {
  readonly what: string;
  readonly wanted: string;
  readonly measured: string;
  readonly reached: boolean;
}

/** A contest's raw measurements. */
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
  /** The benchmark ends with an error: a wrong answer. */
  failed = false;

  constructor(
    readonly name: string,
    readonly title: string,
  ) {}

  table(title: string, columns: readonly string[], rows: readonly (readonly string[])[]): void {
    this.tables.push({ title, columns, rows });
  }

  /** Said once, however often it was found. */
  note(text: string): void {
    if (!this.notes.includes(text)) this.notes.push(text);
  }

  command(text: string): void {
    if (!this.commands.includes(text)) this.commands.push(text);
  }

  target(what: string, wanted: string, measured: string, reached: boolean): void {
    this.targets.push({ what, wanted, measured, reached });
  }

  /** Keeps a contest's figures, its commands, and what went wrong in it. */
  contest(subject: string, outcomes: readonly Outcome[]): void {
    this.figures.push({ subject, outcomes });
    for (const { command, name, fault } of outcomes) {
      this.command(command);
      if (fault !== undefined) this.note(`${subject}: ${name} gave no figure: ${fault}`);
    }
  }
}
