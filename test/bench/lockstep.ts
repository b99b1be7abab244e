/** Runs the real command line as a user does, in separate processes, and reads the results from the run directory. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Summary } from '../../coordinator/archive/config.js';
import type { Pixels } from './dataset.js';
import { parseMetrics, settledRates } from './metrics.js';
import { type Command, type EndOptions, Running, run, type SchedulingClass } from './processes.js';
import { optimizerOf, type Row, writeModel } from './rows.js';
import { median } from './statistics.js';

const program = fileURLToPath(new URL('../../coordinator/cli/main.js', import.meta.url));

/** The exit code of a run after Ctrl-C. */
export const interrupted = 130;
/**
 * Seconds from the start of the command that do not count. During the first one or two seconds, V8 compiles the code
 * of a step. PyTorch's script makes at least 20 steps before its speed counts.
 */
export const warmUpSeconds = 3;
/** Additional time for a fleet, whose workers have to join before training begins. */
const gatherMs = 1_000;

export interface Training {
  readonly row: Row;
  readonly pixels: Pixels;
  readonly scheduling: SchedulingClass;
  readonly scratch: string;
  /** Of SGD. Default: 0. */
  readonly momentum?: number;
  /** Options in addition to those of the row. */
  readonly options?: readonly (string | number)[];
  readonly env?: Readonly<Record<string, string>>;
}

/** The workers: threads of the coordinator's process, or worker processes, each with a number of threads. */
export type Workers = { readonly threads: number } | { readonly processes: readonly number[] };

export interface Finished {
  readonly wallMs: number;
  readonly directory: string;
  /** The standard output, which is JSON lines. */
  readonly log: string;
}

export function lockstep(...words: (string | number)[]): string[] {
  return [process.execPath, program, ...words.map(String)];
}

/** The command `lockstep train` or `lockstep coordinator` for a row. The run directory is `out`. */
export function trainingCommand(training: Training, workers: Workers, out: string): Command {
  const { row, pixels, scratch, scheduling, options = [], env = {} } = training;
  const who = 'threads' in workers ? ['train', '--workers', workers.threads] : fleetWords(workers.processes.length);
  const words = lockstep(
    ...who,
    ...['--data', pixels.directory, '--model', writeModel(row.network, scratch)],
    ...['--batch', row.batch, '--micro-batch', row.microBatch],
    ...optimizerWords(training),
    ...['--log-format', 'json', '--out', out],
    ...options,
  );
  return { words, scheduling, env };
}

function optimizerWords({ row, pixels, momentum = 0 }: Training): (string | number)[] {
  const { name, rate } = optimizerOf(row, pixels.rate);
  return name === 'sgd' ? ['--lr', rate, '--momentum', momentum] : ['--optimizer', name, '--lr', rate];
}

function fleetWords(processes: number): (string | number)[] {
  return ['coordinator', '--threads', 0, '--port', 0, '--min-workers', processes];
}

/** Options of a run that goes on until Ctrl-C, without evaluations. */
export const endless = ['--epochs', 1_000_000, '--eval-every', 1_000_000_000] as const;

/**
 * Warms up, trains for `seconds`, and returns the median of the steps' samples per second in that time. The time of
 * evaluations does not count.
 */
export async function throughput(training: Training, workers: Workers, seconds: number): Promise<number> {
  const asked = { ...training, options: [...(training.options ?? []), ...endless] };
  return inRun(training.scratch, async (out) => {
    await train(asked, workers, out, { interruptAfterMs: 1000 * (warmUpSeconds + seconds) });
    const lines = parseMetrics(readFileSync(join(out, 'metrics.jsonl'), 'utf8'));
    const rates = settledRates(lines, training.row.batch, seconds);
    if (rates.length === 0) throw new Error(`no step was made within ${warmUpSeconds + seconds} s`);
    return median(rates);
  });
}

/** Trains `steps` steps, and returns the SHA-256 of the weights. */
export async function weightsAfter(training: Training, workers: Workers, steps: number): Promise<string> {
  const asked = { ...training, options: ['--epochs', 1_000_000, '--max-steps', steps] };
  return inRun(training.scratch, async (out) => {
    await train(asked, workers, out);
    return summaryOf(out).weightsSha256;
  });
}

/** Trains to the end, or until Ctrl-C. `watch` is called with all processes. The coordinating process is the first. */
export async function train(
  training: Training,
  workers: Workers,
  out: string,
  end: EndOptions = {},
  watch: (processes: readonly Running[]) => void = () => {},
): Promise<Finished> {
  const command = trainingCommand(training, workers, out);
  if ('processes' in workers) return trainFleet(command, training, workers.processes, out, end, watch);
  const running = new Running(command);
  watch([running]);
  const ended = await running.end(end);
  checkEnd('train', ended.code, ended.stderr);
  return { wallMs: ended.wallMs, directory: out, log: ended.stdout };
}

async function trainFleet(
  command: Command,
  { scheduling, env = {} }: Training,
  processes: readonly number[],
  directory: string,
  end: EndOptions,
  watch: (processes: readonly Running[]) => void,
): Promise<Finished> {
  const coordinator = new Running(command);
  const [, url] = await coordinator.prints(/lockstep worker (ws:\/\/[\d.:]+)/);
  const fleet = processes.map((threads, i) => {
    const words = lockstep('worker', url, '--threads', threads, '--name', `worker-${i + 1}`, '--log-format', 'json');
    return new Running({ words, scheduling, env });
  });
  watch([coordinator, ...fleet]);
  const { interruptAfterMs } = end;
  const ended = await coordinator.end(
    interruptAfterMs === undefined ? end : { ...end, interruptAfterMs: interruptAfterMs + gatherMs },
  );
  for (const worker of fleet) await dismissed(worker);
  checkEnd('coordinator', ended.code, ended.stderr);
  return { wallMs: ended.wallMs, directory, log: ended.stdout };
}

/** Waits until a worker ends. A worker that waits for the coordinator to come back gets Ctrl-C after two seconds. */
async function dismissed(worker: Running): Promise<void> {
  await worker.end({ interruptAfterMs: 2_000, timeoutMs: 6_000 });
}

function checkEnd(what: string, code: number | null, stderr: string): void {
  if (code !== 0 && code !== interrupted) throw new Error(`lockstep ${what} ended with ${code}: ${stderr.trim()}`);
}

/** Calls `use` with the path of a new run directory, and removes the directory afterwards. */
export async function inRun<T>(scratch: string, use: (out: string) => Promise<T>): Promise<T> {
  const parent = mkdtempSync(join(scratch, 'run-'));
  try {
    return await use(join(parent, 'run'));
  } finally {
    rmSync(parent, { recursive: true, force: true });
  }
}

export function summaryOf(directory: string): Summary {
  return JSON.parse(readFileSync(join(directory, 'summary.json'), 'utf8'));
}

/** Whether the help of a command mentions an option. */
export async function knowsOption(command: string, option: string): Promise<boolean> {
  const { stdout } = await run({ words: lockstep(command, '--help') });
  return stdout.includes(option);
}
