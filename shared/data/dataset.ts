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

/**
 * Names a set of samples of a run. The validation set is a part of the data set's training set that is held out: the run
 * does not train on it.
 */
export type SampleSet = 'train' | 'validation' | 'test';

/** The sets that weights are evaluated on. */
export type EvaluationSet = Exclude<SampleSet, 'train'>;

/** The number of samples of each set of a run. */
export interface SetSizes {
  readonly train: number;
  /** Absent if the run has no validation set. */
  readonly validation?: number | undefined;
  readonly test: number;
}

export function sizeOf(sizes: SetSizes, set: SampleSet): number {
  return sizes[set] ?? 0;
}

/** A training set and a test set whose images have the same shape. */
export interface Dataset {
  readonly train: Samples;
  readonly test: Samples;
  /** Short name for people: "mnist", "digits". */
  readonly name: string;
  /** Number of classes: one more than the largest label of the training set. */
  readonly classes: number;
  /** The names of the classes, in the order of the labels. Absent where the labels themselves are the names. */
  readonly classNames?: readonly string[];
}

/** Divides a training set: its last `count` samples are held out, in the order of the files. The images are views. */
export function holdOut(train: Samples, count: number): { readonly train: Samples; readonly validation: Samples } {
  const first = train.count - count;
  return { train: part(train, 0, first), validation: part(train, first, train.count) };
}

function part({ count, shape, images, labels }: Samples, first: number, end: number): Samples {
  const pixels = images.length / Math.max(1, count);
  return {
    count: end - first,
    shape,
    images: images.subarray(first * pixels, end * pixels),
    labels: labels.subarray(first, end),
  };
}
