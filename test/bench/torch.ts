/** Finds PyTorch, and runs it in the ways that are worth comparing. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Pixels } from './dataset.js';
import { type Command, run, type SchedulingClass } from './processes.js';
import { nameOf, type Row } from './rows.js';

/** A remark on the installed PyTorch. It belongs next to every ratio to PyTorch. */
export function remarkOn(python: Python | null): string {
  const weaker = "Debian's PyTorch 1.13 has no MKL and is weaker than the current wheel";
  return python === null
    ? 'PyTorch is not installed (apt install python3-torch), so there are no ratios to it.'
    : `Ratios are to the installed PyTorch ${python.torch}. ${weaker}, so the ratios say nothing about that wheel.`;
}

export interface Python {
  readonly program: string;
  readonly version: string;
  readonly torch: string;
  readonly numpy: string;
}

/** The first Python that has PyTorch. */
export function findPython(): Python | null {
  const script = 'import sys, numpy, torch; print(sys.version.split()[0], torch.__version__, numpy.__version__)';
  for (const program of ['python3', '/usr/bin/python3']) {
    const { status, stdout } = spawnSync(program, ['-c', script], { encoding: 'utf8' });
    if (status !== 0) continue;
    const [version, torch, numpy] = stdout.trim().split(' ');
    return { program, version, torch, numpy };
  }
  return null;
}

/** One way to run PyTorch. */
export interface TorchKind {
  readonly name: string;
  readonly options: readonly string[];
  /** Number of threads of each process. */
  readonly threads: number;
  /**
   * Whether to use the OpenMP build of OpenBLAS. The other build has its own pool of threads, which competes with
   * PyTorch's threads for the cores.
   */
  readonly openmp?: boolean;
}

/** The fastest options for several processes: each process stays on one core, and keeps the images as bytes. */
const tuned = ['--pin', '--resident', 'uint8'] as const;

export const torchKinds = {
  single1: { name: 'PyTorch, 1 thread', options: [], threads: 1 },
  single2: { name: 'PyTorch, 2 threads', options: [], threads: 2 },
  single2openmp: { name: 'PyTorch, 2 threads, OpenMP', options: [], threads: 2, openmp: true },
  single2bytes: {
    name: 'PyTorch, 2 threads, OpenMP, uint8',
    options: ['--resident', 'uint8'],
    threads: 2,
    openmp: true,
  },
  ddp: { name: 'DDP, 2 processes', options: ['--mode', 'ddp'], threads: 1 },
  ddpTuned: { name: 'DDP, 2 processes, tuned', options: ['--mode', 'ddp', ...tuned], threads: 1 },
  flatTuned: { name: 'flat all-reduce, 2 processes, tuned', options: ['--mode', 'flat', ...tuned], threads: 1 },
} as const satisfies Record<string, TorchKind>;

const openmpLibraries = '/usr/lib/x86_64-linux-gnu/openblas-openmp';

/** The reason why a kind cannot run on this machine, or null if it can. */
export function unavailable(kind: TorchKind): string | null {
  return kind.openmp && !existsSync(openmpLibraries) ? 'needs libopenblas0-openmp' : null;
}

export interface TorchResult {
  readonly samplesPerSecond: number;
  /** The time of the first update, in seconds since 1970. */
  readonly firstUpdateAt: number;
  readonly testAccuracy: number;
  readonly epochs: number;
  readonly reached: boolean;
}

export interface TorchTraining {
  readonly python: Python;
  readonly root: string;
  readonly row: Row;
  readonly pixels: Pixels;
  readonly scheduling: SchedulingClass;
  readonly kind: TorchKind;
  readonly options?: readonly (string | number)[];
}

export function torchCommand({ python, root, row, pixels, scheduling, kind, options = [] }: TorchTraining): Command {
  const words = [
    python.program,
    join(root, 'test/bench/peers/torch_train.py'),
    ...['--data', pixels.directory, '--layers', row.widths.join(','), '--hidden', row.hidden],
    ...['--batch', row.batch, '--lr', pixels.rate, '--threads', kind.threads],
    ...kind.options,
    ...options,
  ];
  return { words: words.map(String), env: environmentOf(kind), scheduling };
}

/**
 * The environment variables for a kind. The libraries read them when they are loaded, so the script cannot set them.
 * Active waiting makes a single pool of threads faster, and two pools slower.
 */
function environmentOf({ threads, openmp = false }: TorchKind): Record<string, string> {
  return {
    OMP_NUM_THREADS: String(threads),
    OPENBLAS_NUM_THREADS: String(threads),
    MKL_NUM_THREADS: String(threads),
    ...(threads > 1 && { OMP_WAIT_POLICY: openmp ? 'active' : 'passive' }),
    ...(openmp && { LD_LIBRARY_PATH: openmpLibraries }),
  };
}

/** Runs the training script to its end, and returns its result. */
export async function trainTorch(training: TorchTraining): Promise<TorchResult & { readonly wallMs: number }> {
  const { stdout, wallMs } = await run(torchCommand(training));
  const line = stdout.trim().split('\n').at(-1);
  if (!line?.startsWith('{')) throw new Error(`PyTorch printed no result for ${nameOf(training.row)}`);
  return { ...(JSON.parse(line) as TorchResult), wallMs };
}
