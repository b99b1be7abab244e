/** How a published data set is described: its files, their hashes, and the mirrors that offer them. */

/** A data set of four IDX files, which its authors have published. */
export interface PublishedDataset {
  readonly name: string;
  /** The names of its classes, in the order of the labels. Absent where the labels themselves are the names. */
  readonly classNames?: readonly string[];
  /**
   * What the names of its files have before `train-` and `t10k-`, without the hyphen. Absent where they begin like
   * MNIST's.
   */
  readonly prefix?: string;
  /** Folders in which other programs keep it, in a directory of several data sets. In small letters. */
  readonly places: readonly string[];
  /** Its folder in the cache. Default: its name. */
  readonly folder?: string;
  /** URLs of folders, each with a slash at its end. They are tried in turn. */
  readonly mirrors: readonly string[];
  /**
   * In the order of download. Small files come first, so that a missing network is noticed at once. A zip archive of the
   * IDX files is one file.
   */
  readonly files: readonly PublishedFile[];
  /** The hash of the whole data set, as `datasetSha256` computes it. Absent where only hashes of packed files are known. */
  readonly sha256?: string;
}

/**
 * One file of a published data set, under the name that it has in the cache. Mirrors offer a file gzipped, under this name
 * plus `.gz`, and the cache keeps it decompressed. If the name ends with `.gz` itself, the cache keeps the file as mirrors
 * offer it. A name that ends with `.zip` is that of an archive: the cache keeps some of the files in it.
 */
export interface PublishedFile {
  readonly name: string;
  /** The size of the decompressed file, or of an archive. */
  readonly bytes: number;
  /** The hash of the decompressed file. If the name ends with `.gz` or `.zip`: of the file as mirrors offer it. */
  readonly sha256: string;
  /** Of an archive: the names of the files that the cache keeps, without their folders. */
  readonly unpacked?: readonly string[];
}

/** Whether the hash of a published file is that of the bytes that mirrors offer, and not of the decompressed file. */
export function isPacked({ name }: Pick<PublishedFile, 'name'>): boolean {
  return /\.(gz|zip)$/.test(name);
}
