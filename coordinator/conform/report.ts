/** What was checked of a worker, and what came of it. */

export interface Report {
  /** The checks that follow are of this run. */
  scene(title: string): void;
  passed(check: string): void;
  failed(check: string, sentence: string): void;
  /** Neither good nor bad. */
  note(sentence: string): void;
}

/** Writes a line for each check, and counts them. */
export class LineReport implements Report {
  passes = 0;
  failures = 0;

  constructor(private readonly write: (line: string) => void) {}

  scene(title: string): void {
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
