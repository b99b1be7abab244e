/** The processes of a chaos run: a coordinator, which is resumed after it was killed, and its workers. */
import { createServer } from 'node:net';
import type { Random } from '../../shared/random.js';
import { type LogLine, Program } from './program.js';
import type { Fault } from './schedule.js';

/**
 * The coordinator's port is below the range that systems use for outgoing connections. Otherwise a worker's attempt to
 * connect could occupy the coordinator's port, or connect to itself.
 */
const portFirst = 20_000;
const ports = 10_000;

export interface SceneConfig {
  readonly port: number;
  /** The run directory. */
  readonly out: string;
  /** The data set, which a coordinator gets when it begins and when it resumes. */
  readonly data: string;
  /** The options that determine the result. Only the first coordinator gets them. */
  readonly settings: readonly (string | number)[];
  /** Receives every line of every coordinator's log. */
  readonly onLine: (line: LogLine) => void;
}

export class Scene {
  /** Rejects when a process ends that was not told to end. */
  readonly spoilt: Promise<never>;
  private coordinator: Program | null = null;
  private readonly workers = new Map<number, Program>();
  /** Processes that were told to end. */
  private readonly doomed = new WeakSet<Program>();
  private spoil: (error: Error) => void = () => {};

  constructor(private readonly config: SceneConfig) {
    this.spoilt = new Promise((_, reject) => {
      this.spoil = reject;
    });
    this.spoilt.catch(() => {});
  }

  /** Resolves when the coordinator waits for workers. */
  async begin(): Promise<void> {
    const { out, settings } = this.config;
    const coordinator = this.startCoordinator(['--out', out, ...settings]);
    await coordinator.logs(({ msg }) => msg.startsWith('waiting for'));
  }

  perform({ kind, worker: number }: Pick<Fault, 'kind' | 'worker'>): void {
    switch (kind) {
      case 'worker started':
        return this.startWorker(number);
      case 'worker killed':
        return this.end(this.workers.get(number), 'SIGKILL');
      case 'worker interrupted':
        return this.end(this.workers.get(number), 'SIGINT');
      case 'worker stopped':
        return this.workers.get(number)?.signal('SIGSTOP');
      case 'worker continued':
        return this.workers.get(number)?.signal('SIGCONT');
      case 'coordinator stopped':
        return this.coordinator?.signal('SIGSTOP');
      case 'coordinator continued':
        return this.coordinator?.signal('SIGCONT');
      case 'coordinator killed':
        this.end(this.coordinator, 'SIGKILL');
        this.coordinator = null;
        return;
      case 'coordinator resumed':
        this.resume();
        return;
      default:
        kind satisfies never;
    }
  }

  /** Continues all stopped processes, and makes sure that a coordinator and at least one worker are running. */
  heal(): void {
    if (this.coordinator === null) this.resume();
    this.coordinator?.signal('SIGCONT');
    for (const worker of this.workers.values()) worker.signal('SIGCONT');
    this.startWorker(Math.max(0, ...this.workers.keys()) + 1);
  }

  /** Resolves with the next line of the coordinator's log that fits. */
  async logs(fits: (line: LogLine) => boolean): Promise<LogLine> {
    if (this.coordinator === null) throw new Error('there is no coordinator');
    return Promise.race([this.coordinator.logs(fits), this.spoilt]);
  }

  /**
   * Sends Ctrl-C to the coordinator, and resolves when it has ended. Its exit code is 130, or it ends by the signal
   * itself if the disk made it wait too long.
   */
  async interrupt(): Promise<void> {
    await this.ending(['130', 'SIGINT'], () => this.end(this.coordinator, 'SIGINT'));
  }

  /** Resumes the run, and resolves when it has ended by itself after `maxSteps` steps in total. */
  async finish(maxSteps: number): Promise<void> {
    for (const worker of this.workers.values()) this.doomed.add(worker);
    await this.ending(['0'], () => this.doomed.add(this.resume('--max-steps', maxSteps)));
  }

  /** Ends all processes that are left. */
  async close(): Promise<void> {
    if (this.coordinator !== null) this.end(this.coordinator, 'SIGKILL');
    for (const worker of this.workers.values()) {
      worker.signal('SIGCONT');
      this.end(worker, 'SIGINT');
    }
    await Promise.race([Promise.all(Array.from(this.workers.values(), ({ ended }) => ended)), this.spoilt]);
  }

  private async ending(expected: readonly string[], end: () => void): Promise<void> {
    end();
    const { coordinator } = this;
    if (coordinator === null) throw new Error('there is no coordinator');
    const ended = await Promise.race([coordinator.ended, this.spoilt]);
    this.coordinator = null;
    if (!expected.includes(`${ended.signal ?? ended.code}`)) throw new Error(coordinator.describe(ended));
  }

  private resume(...more: (string | number)[]): Program {
    return this.startCoordinator(['--resume', this.config.out, ...more]);
  }

  private startCoordinator(words: readonly (string | number)[]): Program {
    const { port, data, onLine } = this.config;
    const coordinator = new Program('the coordinator', [
      ...['coordinator', '--threads', 0, '--port', port, '--data', data],
      ...words,
    ]);
    coordinator.watch(onLine);
    this.coordinator = coordinator;
    this.guard(coordinator);
    return coordinator;
  }

  private startWorker(number: number): void {
    const name = `w${number}`;
    const words = ['worker', `ws://127.0.0.1:${this.config.port}`, '--name', name, '--threads', 1 + (number % 2)];
    const worker = new Program(name, words);
    this.workers.set(number, worker);
    this.guard(worker);
    void worker.ended.then((ended) => {
      this.workers.delete(number);
      if (ended.signal === null && ended.code !== 0 && ended.code !== 130)
        this.spoil(new Error(worker.describe(ended)));
    });
  }

  private guard(program: Program): void {
    void program.ended.then((ended) => {
      if (!this.doomed.has(program)) this.spoil(new Error(program.describe(ended)));
    });
  }

  private end(program: Program | null | undefined, signal: NodeJS.Signals): void {
    if (!program) return;
    this.doomed.add(program);
    program.signal(signal);
  }
}

/** Finds a port on which no process listens. */
export async function freePort(random: Random): Promise<number> {
  for (;;) {
    const port = portFirst + random.below(ports);
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
