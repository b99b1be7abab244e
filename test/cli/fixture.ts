/** Runs the real command line in processes of their own, on a small generated data set. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll } from 'vitest';
import type { Summary } from '../../coordinator/archive/config.js';
import { writeDigits } from '../digits-directory.js';

const program = fileURLToPath(new URL('../../coordinator/cli/main.js', import.meta.url));

/** What a process printed, and how it ended. */
export interface Ended {
  /** As a shell reports it: 128 and the signal's number where it was killed. */
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

  /** Resolves with the first match in what was printed; rejects if the process ends without it. */
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

/** `lockstep ARGUMENTS`, with no data set of the machine's own in reach. */
export function lockstep(...words: (string | number)[]): Running {
  const env = { ...process.env, LOCKSTEP_DATA: '', LOCKSTEP_TOKEN: '', XDG_CACHE_HOME: join(scratch(), 'cache') };
  return new Running(spawn(process.execPath, [program, ...words.map(String)], { env }));
}

/** A coordinator on a free port, once it accepts workers, and the address to join it at. */
export async function startCoordinator(...words: (string | number)[]): Promise<{ coordinator: Running; url: string }> {
  const coordinator = lockstep('coordinator', '--port', 0, ...words);
  const [, url] = await coordinator.prints(/lockstep worker (ws:\/\/[\d.:]+)/);
  return { coordinator, url };
}

let directory: string | null = null;

/** A directory that is removed when the tests are over. */
export function scratch(): string {
  directory ??= mkdtempSync(join(tmpdir(), 'lockstep-test-'));
  return directory;
}

afterAll(() => {
  for (const { process: child } of running) child.kill('SIGKILL');
  if (directory !== null) rmSync(directory, { recursive: true, force: true });
  directory = null;
});

/** A directory with a small data set in IDX files. */
export function smallDataset(): string {
  return writeDigits(scratch(), { train: 2000, test: 300 });
}

export function summaryOf(run: string): Summary {
  return JSON.parse(readFileSync(join(run, 'summary.json'), 'utf8'));
}
