/** Runs the real command line in separate processes, on a small generated data set. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll } from 'vitest';
import type { Summary } from '../../coordinator/archive/config.js';
import { writeDigits } from '../digits-directory.js';

const program = fileURLToPath(new URL('../../coordinator/cli/main.js', import.meta.url));

/** The output of a process, and how it ended. */
export interface Ended {
  /**
   * The exit code, as a shell reports it. For a process that a signal has killed, it is 128 plus the signal's number.
   */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export class Running {
  stdout = '';
  stderr = '';
  readonly ended: Promise<Ended>;
  private readonly watchers = new Set<() => void>();

  constructor(readonly process: ChildProcess) {
    process.stdout?.on('data', (text) => this.note(() => (this.stdout += text)));
    process.stderr?.on('data', (text) => this.note(() => (this.stderr += text)));
    this.ended = new Promise((resolve) => {
      process.on('close', (code, signal) => {
        resolve({
          code: code ?? 128 + constants.signals[signal as NodeJS.Signals],
          stdout: this.stdout,
          stderr: this.stderr,
        });
      });
    });
    running.add(this);
    void this.ended.then(() => running.delete(this));
  }

  /** Resolves with the first match in standard output, old or new. Rejects if the process ends without a match. */
  async prints(pattern: RegExp): Promise<RegExpMatchArray> {
    return new Promise((resolve, reject) => {
      const look = () => {
        const match = this.stdout.match(pattern);
        if (match === null) return;
        this.watchers.delete(look);
        resolve(match);
      };
      this.watchers.add(look);
      void this.ended.then(() => reject(new Error(`ended without ${pattern}:\n${this.stdout}${this.stderr}`)));
      look();
    });
  }

  private note(add: () => void): void {
    add();
    for (const look of this.watchers) look();
  }
}

const running = new Set<Running>();

/** Starts `lockstep WORDS`. Its environment hides data sets of this machine. */
export function lockstep(...words: (string | number)[]): Running {
  return lockstepWith({}, ...words);
}

/** The same, with more variables in its environment. */
export function lockstepWith(variables: Record<string, string>, ...words: (string | number)[]): Running {
  return start(process.cwd(), variables, words);
}

/** The same as `lockstep`, in a directory. */
export function lockstepIn(directory: string, ...words: (string | number)[]): Running {
  return start(directory, {}, words);
}

function start(cwd: string, variables: Record<string, string>, words: readonly (string | number)[]): Running {
  const env = {
    ...process.env,
    LOCKSTEP_DATA: '',
    LOCKSTEP_TOKEN: '',
    XDG_CACHE_HOME: join(scratch(), 'cache'),
    ...variables,
  };
  return new Running(spawn(process.execPath, [program, ...words.map(String)], { env, cwd }));
}

/**
 * Starts a coordinator on a free port. It only serves: nothing is computed while there is no worker. Resolves with its
 * address for workers when it accepts them.
 */
export async function startCoordinator(...words: (string | number)[]): Promise<{ coordinator: Running; url: string }> {
  const coordinator = lockstep('coordinator', '--threads', 0, '--port', 0, ...words);
  const [, url] = await coordinator.prints(/lockstep worker (ws:\/\/[\d.:]+)/);
  return { coordinator, url };
}

let directory: string | null = null;

/** A temporary directory, which is removed after the tests. */
export function scratch(): string {
  directory ??= mkdtempSync(join(tmpdir(), 'lockstep-test-'));
  return directory;
}

afterAll(() => {
  for (const { process: child } of running) child.kill('SIGKILL');
  if (directory !== null) rmSync(directory, { recursive: true, force: true });
  directory = null;
});

/** Makes a directory with a small data set in IDX files. */
export function smallDataset(): string {
  return writeDigits(scratch(), { train: 2000, test: 300 });
}

export function summaryOf(run: string): Summary {
  return JSON.parse(readFileSync(join(run, 'summary.json'), 'utf8'));
}
