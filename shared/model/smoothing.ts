/**
 * Label smoothing (Szegedy et al. 2016), for softmax cross-entropy: all classes share a part of the target. With the part s
 * and C classes, the target of a sample is 1 - s + s / C for its label, and s / C for each other class.
 */
import type { Loss } from '../arithmetic/kernels.js';

/** The loss whose targets can be smoothed. */
export const smoothedLoss: keyof typeof Loss = 'softmaxCrossEntropy';

const f = Math.fround;

/**
 * Changes the deltas of a micro-batch from those of the plain target to those of the smoothed one. Returns what its loss
 * sum changes by. `y` are the scores; there is a label for each row. Every operation rounds to float32 (E2).
 */
export function smoothTargets(s: number, y: Float32Array, labels: Uint8Array, deltas: Float32Array): number {
  const classes = y.length / labels.length;
  const share = f(s / classes);
  const atLabel = f(s - share);
  let change = 0;
  for (let r = 0; r < labels.length; r++) {
    const row = r * classes;
    const label = row + labels[r];
    let sum = 0;
    for (let c = row; c < row + classes; c++) {
      sum = f(sum + y[c]);
      deltas[c] = c === label ? f(deltas[c] + atLabel) : f(deltas[c] - share);
    }
    change = f(change + f(s * f(y[label] - f(sum / classes))));
  }
  return change;
}
