import { createHash } from 'node:crypto';
import type { Dataset } from '../../shared/data/dataset.js';
import { encodeIdxHeader } from '../../shared/data/idx.js';

/**
 * The SHA-256 of a data set: of its four decompressed IDX files (training images, training labels, test images, test
 * labels), one after the other. A shell can compute the same hash:
 *
 *     zcat train-images*.gz train-labels*.gz t10k-images*.gz t10k-labels*.gz | sha256sum
 *
 * The files' headers state shape and counts, so two different data sets never give the same bytes.
 */
export function datasetSha256({ train, test }: Dataset): string {
  const hash = createHash('sha256');
  for (const { count, shape, images, labels } of [train, test]) {
    hash.update(encodeIdxHeader([count, ...shape])).update(images);
    hash.update(encodeIdxHeader([count])).update(labels);
  }
  return hash.digest('hex');
}
