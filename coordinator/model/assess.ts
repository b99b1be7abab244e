/** What an evaluation says about each class, and which mistakes are the worst. Pure. */
import type { Samples } from '../../shared/data/dataset.js';
import { certainties } from '../../shared/model/certainty.js';
import type { Classifier } from '../../shared/model/classifier.js';

/** Rows are labels, columns are what they were taken for. */
export type Confusion = readonly (readonly number[])[];

/** How well a model knows one class. A share is null where it would be 0 / 0. */
export interface ClassReport {
  /** Number of samples with this label. */
  readonly samples: number;
  /** Of the samples that were taken for this class, the share that is of it. */
  readonly precision: number | null;
  /** Of the samples of this class, the share that was taken for it. */
  readonly recall: number | null;
  /** The harmonic mean of the two. */
  readonly f1: number | null;
  /** The other class that samples of this class were taken for most often, and how often. */
  readonly confusedWith: { readonly predicted: number; readonly times: number } | null;
}

export interface WrongAnswer {
  /** Number of the sample in its set. */
  readonly index: number;
  readonly label: number;
  readonly predicted: number;
  /** How sure the model was of its answer. */
  readonly certainty: number;
}

/** `classes` is the number of labels, `outputs` that of answers, which may be larger. */
export function confusionOf(labels: Uint8Array, predicted: Uint8Array, classes: number, outputs: number): Confusion {
  const confusion = Array.from({ length: classes }, () => new Array<number>(outputs).fill(0));
  for (const [index, label] of labels.entries()) confusion[label][predicted[index]] += 1;
  return confusion;
}

/** One report for each label. */
export function classReports(confusion: Confusion): ClassReport[] {
  return confusion.map((row, label) => {
    const samples = row.reduce((sum, times) => sum + times, 0);
    const answers = confusion.reduce((sum, other) => sum + other[label], 0);
    return {
      samples,
      precision: ratio(row[label], answers),
      recall: ratio(row[label], samples),
      f1: ratio(2 * row[label], samples + answers),
      confusedWith: mostConfused(row, label),
    };
  });
}

function ratio(part: number, whole: number): number | null {
  return whole === 0 ? null : part / whole;
}

function mostConfused(row: readonly number[], label: number): ClassReport['confusedWith'] {
  const times = row.reduce((most, count, answer) => (answer === label ? most : Math.max(most, count)), 0);
  if (times === 0) return null;
  return { predicted: row.findIndex((count, answer) => answer !== label && count === times), times };
}

/** All mistakes. The more certain the model was, the worse; of equally bad ones, the first sample comes first. */
export function worstMistakes(
  classifier: Classifier,
  { labels, images, count }: Samples,
  predicted: Uint8Array,
): WrongAnswer[] {
  const pixels = images.length / count;
  const mistakes: WrongAnswer[] = [];
  for (const [index, label] of labels.entries()) {
    const answer = predicted[index];
    if (answer === label) continue;
    const { layers } = classifier.classify(images.subarray(index * pixels, (index + 1) * pixels));
    const certainty = certainties(layers[layers.length - 1], classifier.model.loss)[answer];
    mistakes.push({ index, label, predicted: answer, certainty });
  }
  return mistakes.sort((a, b) => b.certainty - a.certainty || a.index - b.index);
}
