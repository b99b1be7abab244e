/** Finds every PyTorch of this machine. Ratios are to the fastest of them. */
import { spawnSync } from 'node:child_process';

/** The environment variable that names further interpreters, separated by colons. */
export const pythonVariable = 'LOCKSTEP_BENCH_PYTHON';
const usual = '/usr/bin/python3';

/** What a PyTorch can do. Old versions cannot do all of it. */
export type Ability = 'fused' | 'compile';

export interface Python {
  readonly program: string;
  readonly version: string;
  /** The version of PyTorch, without the part behind the plus sign that names the build. */
  readonly torch: string;
  readonly numpy: string;
  /** The library of PyTorch's matrix products. */
  readonly blas: 'MKL' | 'OpenBLAS';
  readonly abilities: readonly Ability[];
}

/** The interpreters to look at: the system's own, and those that the environment variable names. Pure. */
export function candidates(named: string | undefined): string[] {
  return [...new Set([usual, ...(named ?? '').split(':')])].filter((program) => program !== '');
}

/** All interpreters that have PyTorch and NumPy. */
export function findPythons(): Python[] {
  return candidates(process.env[pythonVariable]).flatMap((program) => {
    const { status, stdout } = spawnSync(program, ['-c', question], { encoding: 'utf8' });
    return status === 0 ? [describe(program, stdout)] : [];
  });
}

const question = `
import inspect, sys, json, numpy, torch
abilities = ['fused'] if 'fused' in inspect.signature(torch.optim.SGD).parameters else []
abilities += ['compile'] if hasattr(torch, 'compile') else []
blas = 'MKL' if torch.backends.mkl.is_available() else 'OpenBLAS'
version, torch, numpy = sys.version.split()[0], torch.__version__, numpy.__version__
print(json.dumps({'version': version, 'torch': torch, 'numpy': numpy, 'blas': blas, 'abilities': abilities}))
`;

/** Parses the answer of an interpreter. Pure. */
export function describe(program: string, answer: string): Python {
  const python = JSON.parse(answer) as Omit<Python, 'program'>;
  return { ...python, program, torch: python.torch.split('+')[0] };
}

/** A remark on the installed versions of PyTorch. It belongs next to every ratio to PyTorch. */
export function remarkOn(pythons: readonly Python[]): string {
  if (pythons.length === 0)
    return 'PyTorch is not installed (apt install python3-torch), so there are no ratios to it.';
  const all = pythons.map(({ torch, blas }) => `${torch} (${blas})`).join(' and ');
  const ratios = `Ratios are to the fastest kind of PyTorch ${all} on this machine.`;
  if (pythons.some(({ abilities }) => abilities.includes('compile'))) return ratios;
  return `${ratios} The current wheel is faster, and is not installed, so the ratios say nothing about it.`;
}
