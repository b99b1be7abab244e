/**
 * How a run codes the numbers that travel: `--wire-bits`. The result of a slot is quantised before it is added to others, in
 * every thread of every machine, so the weights do not depend on who computes what. Statistics keep all their bits: they
 * are few, and a small variance that is rounded to zero would break an evaluation.
 *
 * What this is not: the bytes on the wire (compute/tensors.ts).
 */
import type { KernelMemory } from '../arithmetic/backend.js';
import type { CodeBits, Pointer } from '../arithmetic/kernels.js';
import { type Span, spansIn } from './chain.js';

/** Bits of a number on the wire. With 32, numbers travel as they are. */
export const wireBitsChoices = [32, 16, 8, 4] as const;
export type WireBits = (typeof wireBitsChoices)[number];

export interface Coding {
  readonly bits: CodeBits;
  /** The places of the statistics in the flat vector, in ascending order. */
  readonly statistics: readonly Span[];
}

/** Null for a run whose numbers travel as they are. */
export function codingOf(bits: WireBits | undefined, statistics: readonly Span[]): Coding | null {
  return bits === undefined || bits === 32 ? null : { bits, statistics };
}

/** Quantises the result of a slot: `floats` floats without the score. */
export function quantise(memory: KernelMemory, { bits, statistics }: Coding, result: Pointer, floats: number): void {
  withoutStatistics(memory, spansIn(statistics, 0, floats), [result], () => {
    memory.kernels.quantise(result, floats, bits);
  });
}

/** Calls `act` while the numbers at these spans of the vectors are +0, and then puts them back. */
export function withoutStatistics<T>(
  memory: KernelMemory,
  spans: readonly Span[],
  vectors: readonly Pointer[],
  act: () => T,
): T {
  const places = vectors.flatMap((at) =>
    spans.map(({ offset, floats }) => new Float32Array(memory.buffer, at + 4 * offset, floats)),
  );
  const kept = places.map((place) => place.slice());
  for (const place of places) place.fill(0);
  const result = act();
  for (const [n, place] of places.entries()) place.set(kept[n]);
  return result;
}
