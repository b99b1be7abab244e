/** The targets that depend on the processor or the model. */

import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { type Row, wide } from './rows.js';

/** A Zen runs AVX-512 code as fast as AVX2 code. On these Intel processors it is twice as fast, for us and for others. */
export type Processor = 'zen' | 'avx512' | 'other';

export interface Goals {
  /** Lockstep's speed divided by PyTorch's best, on MNIST. */
  train(row: Row): number;
  /** The same for convolutional networks. */
  readonly convolutions: number;
  /** The same on random pixels, none of which is zero. */
  readonly dense: number;
  /** The native dense kernels on one core, divided by the best SGEMM (which uses fused multiply-add). */
  readonly sgemm: number;
  /** The native dense kernels on one core, divided by the WebAssembly kernels. */
  readonly native: number;
}

/** The targets for a processor. Pure. */
export function goalsFor(processor: Processor): Goals {
  const ofWide = processor === 'avx512' ? 1 : 1.4;
  const train = ({ network }: Row) => (network === wide ? ofWide : 2);
  if (processor === 'avx512') return { train, convolutions: 1.2, dense: 0.5, sgemm: 0.5, native: 2.2 };
  return { train, convolutions: 1.5, dense: 1, sgemm: 0.9, native: 2.2 };
}

export function processorOf(): Processor {
  return kindOf(cpus()[0].model, readFileSync('/proc/cpuinfo', 'utf8'));
}

/** The kind of a processor, from its name and the text of /proc/cpuinfo. Pure. */
export function kindOf(model: string, flags: string): Processor {
  if (/AMD/.test(model)) return 'zen';
  return /\bavx512f\b/.test(flags) ? 'avx512' : 'other';
}
