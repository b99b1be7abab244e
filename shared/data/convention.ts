/** Ways of storing samples that differ from MNIST's, and how to undo them. Pure. */
import { LockstepError } from '../errors.js';
import type { Samples } from './dataset.js';

export interface Convention {
  /** Whether each image is stored column by column. */
  readonly isTransposed: boolean;
  /** The label of the first class. */
  readonly firstLabel: number;
}

export const plain: Convention = { isTransposed: false, firstLabel: 0 };

/**
 * The same samples, stored like MNIST's. The images and labels are changed in place. Throws 'data-invalid' if the samples
 * do not follow the convention. `name` is that of the file of labels.
 */
export function normalised(samples: Samples, { isTransposed, firstLabel }: Convention, name: string): Samples {
  if (firstLabel > 0) countFromZero(samples.labels, firstLabel, name);
  return isTransposed ? upright(samples) : samples;
}

function countFromZero(labels: Uint8Array, firstLabel: number, name: string): void {
  for (let i = 0; i < labels.length; i++) {
    if (labels[i] < firstLabel) {
      const found = `label ${i} is ${labels[i]}, but this data set counts its classes from ${firstLabel}`;
      throw new LockstepError('data-invalid', `${name}: ${found}; get the file again`);
    }
    labels[i] -= firstLabel;
  }
}

/** Exchanges rows and columns. An image without two dimensions stays as it is. */
function upright(samples: Samples): Samples {
  const { count, shape, images } = samples;
  if (shape.length !== 2) return samples;
  const [columns, rows] = shape;
  const stored = new Uint8Array(rows * columns);
  for (let begin = 0; begin < count * stored.length; begin += stored.length) {
    stored.set(images.subarray(begin, begin + stored.length));
    let to = begin;
    for (let row = 0; row < rows; row++) {
      for (let from = row; from < stored.length; from += rows) images[to++] = stored[from];
    }
  }
  return { ...samples, shape: [rows, columns] };
}
