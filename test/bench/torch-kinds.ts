/** The ways to run PyTorch that are worth comparing. Which of them is the fastest depends on the model and the batch. */
import { existsSync } from 'node:fs';
import type { Ability, Python } from './pythons.js';
import type { Network } from './rows.js';

/** One way to run PyTorch: the options of the training script, and its environment. */
export interface TorchKind {
  readonly name: string;
  readonly options: readonly string[];
  /** Number of threads of each process. */
  readonly threads: number;
  /** Whether several processes train together. */
  readonly several?: boolean;
  /** What the version of PyTorch must be able to do. */
  readonly needs?: readonly Ability[];
  /** Whether the optimizer is the fused one where PyTorch has it. It is never slower in a process of one thread. */
  readonly fusedIfPossible?: boolean;
  /**
   * Whether to use the OpenMP build of OpenBLAS. The other build has its own pool of threads, which competes with
   * PyTorch's threads for the cores. With MKL there is no such choice.
   */
  readonly openmp?: boolean;
}

const bytes = ['--resident', 'uint8'];
/** The fastest options for several processes: each process stays on one core, and keeps the images as bytes. */
const tuned = { threads: 1, several: true, fusedIfPossible: true } as const;
const tunedOptions = ['--pin', ...bytes];

/** The ways to train in one process. */
export const singleKinds: readonly TorchKind[] = [
  { name: '2 threads, OpenMP', options: [], threads: 2, openmp: true },
  { name: '2 threads, OpenMP, uint8', options: bytes, threads: 2, openmp: true },
  ...[1, 2].flatMap(withThreads),
  { name: '2 threads, fused, uint8', options: ['--fused', ...bytes], threads: 2, needs: ['fused'] },
];

/** The ways that differ only in what is fused or compiled. */
function withThreads(threads: number): TorchKind[] {
  const name = `${threads} thread${threads === 1 ? '' : 's'}`;
  const both: readonly Ability[] = ['fused', 'compile'];
  return [
    { name, options: [], threads },
    { name: `${name}, fused`, options: ['--fused'], threads, needs: ['fused'] },
    { name: `${name}, compiled model`, options: ['--compile', 'model'], threads, needs: ['compile'] },
    { name: `${name}, compiled model, fused`, options: ['--compile', 'model', '--fused'], threads, needs: both },
    { name: `${name}, compiled step`, options: ['--compile', 'step'], threads, needs: ['compile'] },
    { name: `${name}, compiled step, fused`, options: ['--compile', 'step', '--fused'], threads, needs: both },
  ];
}

/** What a tutorial shows. */
export const ddp: TorchKind = { name: 'DDP, 2 processes', options: ['--mode', 'ddp'], threads: 1, several: true };
/** DDP as fast as it gets: the faster of these is meant. */
export const tunedDdp: readonly TorchKind[] = [
  { name: 'tuned DDP, 2 processes', options: ['--mode', 'ddp', ...tunedOptions], ...tuned },
  {
    name: 'tuned DDP, 2 processes, compiled model',
    options: ['--mode', 'ddp', ...tunedOptions, '--compile', 'model'],
    needs: ['compile'],
    ...tuned,
  },
];
/** One all-reduce over all gradients, written by hand. */
export const flat: TorchKind = {
  name: 'flat all-reduce, 2 processes, tuned',
  options: ['--mode', 'flat', ...tunedOptions],
  ...tuned,
};

/** The kinds for a network. Convolutions are also tried on images whose channels are last in memory. */
export function kindsFor({ model }: Network, kinds: readonly TorchKind[]): readonly TorchKind[] {
  if (!model.layers.some((layer) => 'conv2d' in layer)) return kinds;
  return kinds.flatMap((kind) => [kind, withChannelsLast(kind)]);
}

function withChannelsLast(kind: TorchKind): TorchKind {
  return { ...kind, name: `${kind.name}, channels last`, options: [...kind.options, '--channels-last'] };
}

/** A kind of PyTorch, run by one of the interpreters. */
export interface Way {
  readonly name: string;
  readonly python: Python;
  readonly kind: TorchKind;
}

/** Debian's OpenMP build of OpenBLAS. */
export const openmpLibraries = '/usr/lib/x86_64-linux-gnu/openblas-openmp';

/** The kinds that each interpreter can run. */
export function waysOf(
  pythons: readonly Python[],
  kinds: readonly TorchKind[],
  hasOpenmp = existsSync(openmpLibraries),
): Way[] {
  return pythons.flatMap((python) =>
    kinds
      .filter((kind) => (kind.needs ?? []).every((ability) => python.abilities.includes(ability)))
      .filter((kind) => !kind.openmp || (python.blas === 'OpenBLAS' && hasOpenmp))
      .map((kind) => ({ name: `PyTorch ${python.torch}, ${kind.name}`, python, kind })),
  );
}
