/** One process of the real command line. Its log is read line by line, and only the last lines are kept. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('../../coordinator/cli/main.js', import.meta.url));
const linesKept = 20;

/** A line of the log. The names of the fields are those that the program writes. */
export interface LogLine {
  readonly time: string;
  readonly level: string;
  readonly msg: string;
  readonly step?: number;
  readonly [field: string]: unknown;
}

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

const alive = new Set<ChildProcess>();

/** Makes sure that no started process outlives the test. */
process.on('exit', () => {
  for (const child of alive) child.kill('SIGKILL');
});

export class Program {
  readonly ended: Promise<Ended>;
  private readonly child: ChildProcess;
  private readonly last: string[] = [];
  private readonly watchers = new Set<(line: LogLine) => void>();

  /**
   * Starts `lockstep WORDS` with this or another Node. The variable LOCKSTEP_DATA is empty, so that the process does
   * not find a data set of the machine.
   */
  constructor(
    readonly name: string,
    words: readonly (string | number)[],
    [node, ...nodeWords]: readonly [string, ...string[]] = [process.execPath],
  ) {
    const env = { ...process.env, LOCKSTEP_DATA: '', LOCKSTEP_TOKEN: '' };
    const args = [...nodeWords, program, ...words.map(String), '--log-format', 'json'];
    this.child = spawn(node, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    alive.add(this.child);
    for (const stream of [this.child.stdout, this.child.stderr]) {
      if (stream !== null) createInterface(stream).on('line', (line) => this.note(line));
    }
    this.ended = new Promise((resolve) => {
      this.child.on('close', (code, signal) => {
        alive.delete(this.child);
        resolve({ code, signal });
      });
    });
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  watch(watcher: (line: LogLine) => void): void {
    this.watchers.add(watcher);
  }

  /** Resolves with the next line that fits. Rejects if the process ends before that. */
  logs(fits: (line: LogLine) => boolean): Promise<LogLine> {
    return new Promise((resolve, reject) => {
      const look = (line: LogLine) => {
        if (!fits(line)) return;
        this.watchers.delete(look);
        resolve(line);
      };
      this.watchers.add(look);
      void this.ended.then((ended) => reject(new Error(this.describe(ended))));
    });
  }

  describe({ code, signal }: Ended): string {
    return `${this.name} ended with ${signal ?? code}:\n${this.last.join('\n')}`;
  }

  private note(text: string): void {
    this.last.push(text);
    if (this.last.length > linesKept) this.last.shift();
    const line = parse(text);
    if (line !== null) for (const watcher of [...this.watchers]) watcher(line);
  }
}

/** Returns null for text that is no line of the log: messages on standard error, or a line that a kill has cut off. */
function parse(text: string): LogLine | null {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
