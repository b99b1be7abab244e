/** The matrix products of NumPy and PyTorch on one core. Each library runs in a process of its own, and waits there. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Product } from './kernel-cases.js';
import { findPythons } from './pythons.js';

const script = fileURLToPath(new URL('../../../test/bench/peers/sgemm.py', import.meta.url));
const oneThread = { OMP_NUM_THREADS: '1', OPENBLAS_NUM_THREADS: '1', MKL_NUM_THREADS: '1' };

export class Sgemm {
  private readonly child: ChildProcess;
  private readonly lines: Interface;
  private readonly answers: AsyncIterableIterator<string>;

  constructor(
    readonly name: string,
    program: string,
    library: 'numpy' | 'torch',
  ) {
    const env = { ...process.env, ...oneThread };
    this.child = spawn(program, [script, library], { env, stdio: ['pipe', 'pipe', 'ignore'] });
    this.lines = createInterface({ input: this.child.stdout! });
    this.answers = this.lines[Symbol.asyncIterator]();
  }

  /** Measures the product once, in GFLOP/s. NaN if the process has ended. */
  async rate({ sizes, layout }: Product): Promise<number> {
    if (this.child.exitCode !== null) return Number.NaN;
    this.child.stdin!.write(`${sizes.join(' ')} ${layout}\n`);
    const { value, done } = await this.answers.next();
    return done === true ? Number.NaN : Number(value);
  }

  end(): void {
    this.child.stdin!.end();
    this.lines.close();
  }
}

/** The libraries of every Python that has PyTorch. */
export function openSgemms(): Sgemm[] {
  return findPythons().flatMap(({ program, torch, numpy }) => [
    new Sgemm(`NumPy ${numpy}`, program, 'numpy'),
    new Sgemm(`PyTorch ${torch}`, program, 'torch'),
  ]);
}
