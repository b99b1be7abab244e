/** What an evaluation found, for people: which class was taken for which, and the images that were misclassified. Pure. */
import type { EvaluationSet } from '../../shared/data/dataset.js';
import { limits } from '../../shared/limits.js';
import type { EvaluationState, Misclassified } from './state.js';

/** A set of samples and what the network answered. */
export interface Answers {
  readonly set: EvaluationSet;
  /** Number of updates that made these weights. */
  readonly step: number;
  /** Number of classes of the data set. The network may have more outputs. */
  readonly classes: number;
  /** Both one byte per sample, in the order of the set. */
  readonly labels: Uint8Array;
  readonly predicted: Uint8Array;
  /** Bytes of one image. */
  readonly pixels: number;
  /** An image, one byte per pixel. */
  readonly imageOf: (index: number) => Uint8Array;
}

export function compareAnswers({ set, step, classes, labels, predicted, pixels, imageOf }: Answers): EvaluationState {
  const confusion = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  const misclassified: Misclassified[] = [];
  const shownMax = Math.min(limits.misclassifiedMax, Math.floor(limits.misclassifiedBytesMax / pixels));
  let correct = 0;
  for (const [index, label] of labels.entries()) {
    // A model may have more outputs than there are classes.
    if (predicted[index] < classes && label < classes) confusion[label][predicted[index]] += 1;
    if (predicted[index] === label) correct += 1;
    else if (misclassified.length < shownMax) {
      const image = Buffer.from(imageOf(index)).toString('base64');
      misclassified.push({ index, label, predicted: predicted[index], pixels: image });
    }
  }
  return { set, step, samples: labels.length, correct, confusion, misclassified };
}
