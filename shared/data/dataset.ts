/** Labelled images, in the layout of IDX files. All images have the same shape. */
export interface Samples {
  readonly count: number;
  /** Shape of one image, e.g. [28, 28]. */
  readonly shape: readonly number[];
  /** count x pixels bytes: image after image, each row by row. */
  readonly images: Uint8Array;
  /** count bytes. Each label is below the data set's `classes`. */
  readonly labels: Uint8Array;
}

/** Names the training set or the test set of a data set. */
export type SampleSet = 'train' | 'test';

/** A training set and a test set whose images have the same shape. */
export interface Dataset extends Readonly<Record<SampleSet, Samples>> {
  /** Short name for people: "mnist", "digits". */
  readonly name: string;
  /** Number of classes: one more than the largest label of the training set. */
  readonly classes: number;
}
