/** The update of what is no weight: the running means that some layers keep in the flat vector. */
import type { KernelMemory } from '../arithmetic/backend.js';
import type { Pointer } from '../arithmetic/kernels.js';
import type { UpdatePart } from './optimizer.js';

/** How far a running mean moves towards the mean of a step, as in most libraries. */
const statisticRate = Math.fround(0.1);

/** m = m + 0.1 * (sum / samples - m), for the statistics in `part`. Every operation rounds to float32. */
export function moveStatistics(
  memory: KernelMemory,
  weights: Pointer,
  { first, floats, sum, samples }: UpdatePart,
): void {
  const means = new Float32Array(memory.buffer, weights + 4 * first, floats);
  const sums = new Float32Array(memory.buffer, sum + 4 * first, floats);
  for (let i = 0; i < floats; i++) means[i] = movedStatistic(means[i], Math.fround(sums[i] / samples));
}

function movedStatistic(mean: number, found: number): number {
  return Math.fround(mean + Math.fround(statisticRate * Math.fround(found - mean)));
}
