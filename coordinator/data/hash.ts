import { createHash } from 'node:crypto';
import type { Dataset } from '../../shared/data/dataset.js';
import { encodeIdxHeader } from '../../shared/data/idx.js';

/**
 * SHA-256 of a data set: of its four IDX files (training images, training labels, test images, test labels),
 * decompressed, one after the other. So a shell can check it:
 *
 *     zcat train-images*.gz train-labels*.gz t10k-images*.gz t10k-labels*.gz | sha256sum
 *
 * The headers state shape and counts, which makes the serialisation unambiguous.
 */
export function datasetSha256({ train, test }: Dataset): string {
  const hash = createHash('sha256');
  for (const { count, shape, images, labels } of [train, test]) {
    hash.update(encodeIdxHeader([count, ...shape])).update(images);
    hash.update(encodeIdxHeader([count])).update(labels);
  }
  return hash.digest('hex');
}
