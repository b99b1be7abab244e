/** Labelled images, as IDX files hold them. All images have one shape. */
export interface Samples {
  readonly count: number;
  /** Shape of one image, e.g. [28, 28]. */
  readonly shape: readonly number[];
  /** count x pixels bytes, row by row, image by image. */
  readonly images: Uint8Array;
  /** count bytes, each below `classes` of the data set. */
  readonly labels: Uint8Array;
}

/** The two sets of a data set. */
export type SampleSet = 'train' | 'test';

/** A training set and a test set of one shape. */
export interface Dataset extends Readonly<Record<SampleSet, Samples>> {
  /** Short name for people: "mnist", "digits". */
  readonly name: string;
  /** Number of classes: one more than the largest label of the training set. */
  readonly classes: number;
}
