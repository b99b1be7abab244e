/** Runs PyTorch's training script. */
import { join } from 'node:path';
import type { Pixels } from './dataset.js';
import { type Command, run, type SchedulingClass } from './processes.js';
import { optimizerOf, type Row, writeModel } from './rows.js';
import { openmpLibraries, type Way } from './torch-kinds.js';

export interface TorchResult {
  readonly samplesPerSecond: number;
  /** The time of the first update, in seconds since 1970. */
  readonly firstUpdateAt: number;
  readonly testAccuracy: number;
  readonly epochs: number;
  readonly reached: boolean;
  /** Of training to the accuracy, without the start of the program. */
  readonly seconds: number;
}

export interface TorchTraining {
  readonly root: string;
  readonly scratch: string;
  readonly row: Row;
  readonly pixels: Pixels;
  readonly scheduling: SchedulingClass;
  readonly way: Way;
  readonly options?: readonly (string | number)[];
}

/** Compiling takes up to a minute on a busy machine, and there may be as many trials as ways in one process. */
const timeoutMs = 300_000;
const timeoutMsOfTrial = 100_000;

export function torchCommand({ root, scratch, row, pixels, scheduling, way, options = [] }: TorchTraining): Command {
  const { name, rate } = optimizerOf(row, pixels.rate);
  const words = [
    way.python.program,
    join(root, 'test/bench/peers/torch_train.py'),
    ...['--data', pixels.directory, '--model', writeModel(row.network, scratch)],
    ...['--batch', row.batch, '--optimizer', name, '--lr', rate],
    ...optionsOf(way),
    ...options,
  ];
  return { words: words.map(String), env: environmentOf(way), scheduling };
}

/** The options by which the ways differ. */
function optionsOf({ kind, python }: Way): string[] {
  const fused = kind.fusedIfPossible === true && python.abilities.includes('fused') ? ['--fused'] : [];
  return ['--threads', String(kind.threads), ...kind.options, ...fused];
}

/**
 * glibc gives large blocks back to the system when they are freed. A convolutional network then gets its activations on
 * fresh pages in every step, which costs it half its speed.
 */
const keepsMemory = {
  MALLOC_MMAP_THRESHOLD_: String(4e9),
  MALLOC_TRIM_THRESHOLD_: String(4e9),
  MALLOC_TOP_PAD_: String(2 ** 28),
};

/**
 * The environment variables for a way. The libraries read them when they are loaded, so the script cannot set them.
 * Active waiting makes a single pool of threads faster, and two pools slower.
 */
function environmentOf({ python, kind: { threads, openmp = false } }: Way): Record<string, string> {
  const common = {
    OMP_NUM_THREADS: String(threads),
    OPENBLAS_NUM_THREADS: String(threads),
    MKL_NUM_THREADS: String(threads),
    ...keepsMemory,
  };
  if (python.blas === 'MKL') return common;
  return {
    ...common,
    ...(threads > 1 && { OMP_WAIT_POLICY: openmp ? 'active' : 'passive' }),
    ...(openmp && { LD_LIBRARY_PATH: openmpLibraries }),
  };
}

/** Runs the training script to its end, and returns its result. */
export async function trainTorch(training: TorchTraining): Promise<TorchResult & { readonly wallMs: number }> {
  const { stdout, wallMs } = await run(torchCommand(training), { timeoutMs });
  const line = stdout.trim().split('\n').at(-1);
  if (!line?.startsWith('{')) throw new Error(`PyTorch printed no result for ${training.row.network.name}`);
  return { ...(JSON.parse(line) as TorchResult), wallMs };
}

/** The speed of a way in a short trial, or the reason why it gave none. */
export interface Trial {
  readonly way: Way;
  readonly rate: number | string;
}

/**
 * Tries several ways in one process, one after the other. All must have the same interpreter and environment, and
 * train in one process.
 */
export async function tryTorch(training: Omit<TorchTraining, 'way'>, ways: readonly Way[]): Promise<Trial[]> {
  const trials = ways.map((way) => `--trial=${optionsOf(way).join(' ')}`);
  const options = [...(training.options ?? []), ...trials];
  const { stdout } = await run(torchCommand({ ...training, way: ways[0], options }), {
    timeoutMs: timeoutMsOfTrial * ways.length,
  });
  return parseTrials(ways, stdout);
}

/** Parses the lines of the trials. Pure. */
export function parseTrials(ways: readonly Way[], stdout: string): Trial[] {
  const lines = stdout.split('\n').filter((line) => line.startsWith('{'));
  if (lines.length !== ways.length) throw new Error(`${lines.length} of ${ways.length} trials gave a result`);
  return lines.map((line, i) => {
    const { samplesPerSecond, fault } = JSON.parse(line) as { samplesPerSecond?: number; fault?: string };
    return { way: ways[i], rate: samplesPerSecond ?? fault ?? 'no result' };
  });
}

/** Groups ways that can share a process. Pure. */
export function sharingProcess(ways: readonly Way[]): Way[][] {
  const groups = new Map<string, Way[]>();
  for (const way of ways) {
    // The number of threads can be changed in a process, unless OpenBLAS has threads of its own.
    const { python, kind } = way;
    const alone = python.blas === 'OpenBLAS' ? `${kind.threads} ${kind.openmp ?? false}` : '';
    const key = `${python.program} ${alone}`;
    groups.set(key, [...(groups.get(key) ?? []), way]);
  }
  // The first of a group gives the environment, so it has the most threads.
  return [...groups.values()].map((group) => group.toSorted((a, b) => b.kind.threads - a.kind.threads));
}
