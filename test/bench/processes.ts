/** Starts the measured programs, each in a scheduling class, and ends them. */
import { type ChildProcess, spawn } from 'node:child_process';

/**
 * How the kernel schedules a process that wakes up. `other` is the default. With `batch` (SCHED_BATCH), the process
 * does not preempt the running one. The class changes the cost of a round trip between processes, so only contenders of
 * the same class are compared.
 */
export type SchedulingClass = 'other' | 'batch';

export interface Command {
  readonly words: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly scheduling?: SchedulingClass;
}

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Time from the call that starts the process until the process has ended. */
  readonly wallMs: number;
}

export interface EndOptions {
  /** The program gets Ctrl-C after this time. This ends a program that trains without end. */
  readonly interruptAfterMs?: number;
  /** After this time the program counts as hanging, and is killed. */
  readonly timeoutMs?: number;
}

const timeoutMsDefault = 180_000;
const alive = new Set<ChildProcess>();

/** Makes sure that no started process outlives the benchmark. */
process.on('exit', () => {
  for (const child of alive) child.kill('SIGKILL');
});

export class Running {
  stdout = '';
  stderr = '';
  readonly ended: Promise<Ended>;
  readonly startedMs = Date.now();
  private readonly child: ChildProcess;
  private readonly watchers = new Set<() => void>();

  constructor(command: Command) {
    const [program, ...rest] = withClass(command);
    const start = performance.now();
    this.child = spawn(program, rest, {
      env: { ...process.env, ...command.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    alive.add(this.child);
    this.child.stdout?.on('data', (text) => this.note(() => (this.stdout += text)));
    this.child.stderr?.on('data', (text) => this.note(() => (this.stderr += text)));
    this.ended = new Promise((resolve) => {
      const end = (code: number | null, why = '') => {
        alive.delete(this.child);
        resolve({ code, stdout: this.stdout, stderr: this.stderr + why, wallMs: performance.now() - start });
      };
      this.child.on('error', (error) => end(null, error.message));
      this.child.on('close', (code) => end(code));
    });
  }

  get pid(): number | undefined {
    return this.child.pid;
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
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
      void this.ended.then(({ stderr }) => reject(new Error(`ended without ${pattern}: ${stderr.trim()}`)));
      look();
    });
  }

  /** Waits until the process ends. Ends it, if the options say so. */
  async end({ interruptAfterMs, timeoutMs = timeoutMsDefault }: EndOptions = {}): Promise<Ended> {
    const timers = [setTimeout(() => this.kill('SIGKILL'), timeoutMs)];
    if (interruptAfterMs !== undefined) timers.push(setTimeout(() => this.kill('SIGINT'), interruptAfterMs));
    const ended = await this.ended;
    for (const timer of timers) clearTimeout(timer);
    return ended;
  }

  private note(add: () => void): void {
    add();
    for (const look of this.watchers) look();
  }
}

/** Runs a command to its end. Throws if its exit code is neither 0 nor one of `accepted`. */
export async function run(command: Command, options: EndOptions = {}, accepted: number[] = []): Promise<Ended> {
  const ended = await new Running(command).end(options);
  if (ended.code === 0 || (ended.code !== null && accepted.includes(ended.code))) return ended;
  throw new Error(`${shown(command)} ended with ${ended.code}: ${lastLines(ended.stderr || ended.stdout)}`);
}

/** The command as a person would type it. */
export function shown({ words, env = {}, scheduling }: Command): string {
  const settings = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  const prefix = scheduling === 'batch' ? ['chrt -b 0'] : [];
  return [...settings, ...prefix, ...words].join(' ');
}

function withClass({ words, scheduling }: Command): readonly string[] {
  return scheduling === 'batch' ? ['chrt', '-b', '0', ...words] : words;
}

function lastLines(text: string): string {
  return text.trim().split('\n').slice(-3).join(' / ');
}
