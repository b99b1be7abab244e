/** One process of the real command line, whose log is read line by line and not kept. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('../../coordinator/cli/main.js', import.meta.url));
const linesKept = 20;

/** A line of the log; its names are the program's. */
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

/** Nothing that was started outlives the test. */
process.on('exit', () => {
  for (const child of alive) child.kill('SIGKILL');
});

export class Program {
  readonly ended: Promise<Ended>;
  private readonly child: ChildProcess;
  private readonly last: string[] = [];
  private readonly watchers = new Set<(line: LogLine) => void>();

  /** `lockstep WORDS`, with no data set of the machine's own in reach, in this Node or another. */
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

  /** Resolves with the first line from now on that fits; rejects if the process ends without it. */
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

/** Null for what is not a line of the log: complaints on standard error, or a line that a kill has cut short. */
function parse(text: string): LogLine | null {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
