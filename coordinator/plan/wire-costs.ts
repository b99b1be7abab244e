/**
 * The constants of the plan: processor time for what goes over the network, and the part of the numbers that is sent.
 *
 * The times were measured as processor time (user and system) of a coordinator with `--threads 0` and of its workers of one
 * thread, on one machine: the difference between a short run and a long one, by the number of additional steps, with
 * `softmax` and `mlp`, and one or two workers. The processor was an AMD EPYC (Zen) with Node.js 20 and native
 * kernels, on 2026-11-29. From a worker's time, the time of the same steps in `train` with one thread was subtracted:
 * 0.59 ms are left for `softmax`, 0.80 ms for `mlp`, and 2.0 ms for `mlp` with 64 slots in place of 8. The coordinator took
 * 0.82 ms for `softmax`, and 1.13 ms or 2.09 ms for `mlp` with one worker or two.
 */
import type { PresetName } from '../../shared/model/presets.js';

/** What that processor trains with one thread, in samples for each second of its time. */
export const referenceSpeeds: Readonly<Record<PresetName, number>> = {
  mlp: 215_000,
  'sigmoid-16': 286_000,
  'sigmoid-100': 143_000,
  softmax: 516_000,
  'cnn-small': 14_500,
  lenet5: 23_000,
  cnn: 5_600,
};

/** Time of a worker for one step, for each of its slots, and for each megabyte that it sends or receives. */
export const deviceStepMs = 0.45;
export const deviceSlotMs = 0.015;
export const deviceMsPerMegabyte = 0.4;

/** Time of the coordinator for one step with its update, for each worker in it, and for each megabyte. */
export const coordinatorStepMs = 0.3;
export const coordinatorWorkerMs = 0.5;
export const coordinatorMsPerMegabyte = 0.5;

/** Blocks of 64 numbers that are all zero are not sent. A first dense layer with at least this width has many of them. */
export const blockFloats = 64;

/**
 * The part of MNIST's pixels that are above zero in at least one of `samples` images: 0.53 for 16 images, 0.68 for 128,
 * 0.77 for 1,024, 0.83 for 4,096 and 0.92 for all, counted in random draws.
 */
export function usedPixels(samples: number): number {
  return Math.min(usedByAll, usedBySixteen + usedPerDoubling * Math.max(0, Math.log2(samples / 16)));
}

const usedByAll = 0.915;
const usedBySixteen = 0.55;
const usedPerDoubling = 0.038;

/** The part of a first dense layer's weights that change in a step of `mlp`, by the bytes that its coordinator sent. */
export const changedPart = 0.86;
