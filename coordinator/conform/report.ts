/** Reports the checks of a worker and their results. */

export interface CheckReport {
  /** Begins a trial. The following checks belong to it. */
  trial(title: string): void;
  passed(check: string): void;
  failed(check: string, sentence: string): void;
  /** Adds information that is neither a success nor a failure. */
  note(sentence: string): void;
}

/** Writes a line for each check, and counts them. */
export class LineReport implements CheckReport {
  passes = 0;
  failures = 0;

  constructor(private readonly write: (line: string) => void) {}

  trial(title: string): void {
    this.write(`\n${title}`);
  }

  passed(check: string): void {
    this.passes += 1;
    this.write(`  ok     ${check}`);
  }

  failed(check: string, sentence: string): void {
    this.failures += 1;
    this.write(`  WRONG  ${check}: ${sentence}`);
  }

  note(sentence: string): void {
    this.write(`         ${sentence}`);
  }

  summary(): string {
    if (this.failures === 0) return `\nThe worker conforms: ${this.passes} checks passed.`;
    return `\nThe worker does not conform: ${this.failures} checks failed, ${this.passes} passed.`;
  }
}
