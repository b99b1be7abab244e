/** The update of what is no weight: the running means that some layers keep in the flat vector. */
import type { KernelMemory } from '../arithmetic/backend.js';
import type { Pointer } from '../arithmetic/kernels.js';
import type { UpdatePart } from './optimizer.js';

/** How far a running mean moves towards the mean of a step, as in most libraries. */
const statisticRate = Math.fround(0.1);

/** The new running mean, from the old one and the mean of the sum. */
type Move = (mean: number, found: number) => number;

/** For a sum of gradients, which have the means of their samples: m = m + 0.1 * (sum / terms - m). */
const towards: Move = (mean, found) => Math.fround(mean + Math.fround(statisticRate * Math.fround(found - mean)));

/** For a sum of differences, which the slots of a round have moved: m = m - sum / terms. */
const away: Move = (mean, found) => Math.fround(mean - found);

/** Updates the statistics in `part`. Every operation rounds to float32. */
export function moveStatistics(
  memory: KernelMemory,
  weights: Pointer,
  { first, floats, sum, terms }: UpdatePart,
  sumsDifferences: boolean,
): void {
  const means = new Float32Array(memory.buffer, weights + 4 * first, floats);
  const sums = new Float32Array(memory.buffer, sum + 4 * first, floats);
  const move = sumsDifferences ? away : towards;
  for (let i = 0; i < floats; i++) means[i] = move(means[i], Math.fround(sums[i] / terms));
}
