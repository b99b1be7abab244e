/**
 * The IDX file format, which MNIST and similar data sets use: two zero bytes, a type (0x08, unsigned bytes), the number
 * of dimensions, each dimension as a big-endian uint32, then the values. QMNIST's labels have the type 0x0c, big-endian
 * int32, and several values for each image; the first one is the class.
 *
 * These functions are pure: they get bytes and return views on the same bytes. Every number in a header is compared
 * with the limits and with the length of the file before it is used.
 *
 * What this is not: a reader of files. The caller reads and decompresses them.
 */
import { LockstepError } from '../errors.js';
import { limits } from '../limits.js';
import { type Convention, normalised, plain } from './convention.js';
import type { Dataset, Samples } from './dataset.js';

/** The content of one IDX file. `values` is a view on the file's bytes. */
export interface IdxArray {
  readonly dimensions: readonly number[];
  readonly values: Uint8Array;
}

/** The decompressed bytes of one file. Error messages call the file by `name`. */
export interface IdxFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** The four files of a data set. */
export interface IdxFiles {
  readonly trainImages: IdxFile;
  readonly trainLabels: IdxFile;
  readonly testImages: IdxFile;
  readonly testLabels: IdxFile;
}

const UNSIGNED_BYTE = 0x08;
const INT32 = 0x0c;

/**
 * Makes a data set of four files. Throws 'data-invalid' if a file is malformed or the files do not fit together. If the
 * files follow another convention than MNIST's, their bytes are changed in place.
 */
export function datasetFromIdx(name: string, files: IdxFiles, convention: Convention = plain): Dataset {
  const { trainImages, trainLabels, testImages, testLabels } = files;
  const train = normalised(samplesFromIdx(trainImages, trainLabels), convention, trainLabels.name);
  const test = normalised(samplesFromIdx(testImages, testLabels), convention, testLabels.name);
  if (train.shape.join() !== test.shape.join()) {
    const [expected, found] = [train.shape.join(' x '), test.shape.join(' x ')];
    throw invalid(
      files.testImages.name,
      `its images are ${found}, those of ${files.trainImages.name} ${expected}`,
      'use training and test files of one data set',
    );
  }
  const classes = largest(train.labels) + 1;
  refuseLabelsFrom(classes, test.labels, files.testLabels.name);
  return { name, classes, train, test };
}

/** Makes one set of samples of a file of images and a file of labels. */
export function samplesFromIdx(imagesFile: IdxFile, labelsFile: IdxFile): Samples {
  const images = parseIdx(imagesFile);
  const labels = labelsFile.bytes[2] === INT32 ? firstColumn(labelsFile) : parseIdx(labelsFile);
  const [count, ...shape] = images.dimensions;
  checkImages(imagesFile.name, count, shape);
  if (labels.dimensions.length !== 1) {
    const found = `${labels.dimensions.length} dimensions`;
    throw invalid(labelsFile.name, `labels have 1 dimension (magic 0x801), this file has ${found}`, swapped);
  }
  if (labels.dimensions[0] !== count) {
    const found = `it has ${labels.dimensions[0]} labels for the ${count} images of ${imagesFile.name}`;
    throw invalid(labelsFile.name, found, 'use images and labels of one data set');
  }
  return { count, shape, images: images.values, labels: labels.values };
}

/** Parses any IDX file of unsigned bytes. `values` shares the memory of `file.bytes`. */
export function parseIdx(file: IdxFile): IdxArray {
  return parseValues(file, UNSIGNED_BYTE, 1);
}

/** The first value for each image, of a file of int32. */
function firstColumn(file: IdxFile): IdxArray {
  const { dimensions, values } = parseValues(file, INT32, 4);
  const [count, ...others] = dimensions;
  const stride = 4 * others.reduce((product, dimension) => product * dimension, 1);
  const view = new DataView(values.buffer, values.byteOffset, values.byteLength);
  const labels = new Uint8Array(stride === 0 ? 0 : count);
  for (let i = 0; i < labels.length; i++) {
    const label = view.getInt32(i * stride);
    if (label < 0 || label >= limits.classesMax) {
      throw invalid(file.name, `label ${i} is ${label}, expected 0 to ${limits.classesMax - 1}`, anew);
    }
    labels[i] = label;
  }
  return { dimensions: [labels.length], values: labels };
}

function parseValues(file: IdxFile, type: number, bytesEach: number): IdxArray {
  const { name, bytes } = file;
  checkMagic(file, type);
  const rank = bytes[3];
  const headerBytes = 4 + 4 * rank;
  if (bytes.length < headerBytes) throw lengthWrong(name, `a header of ${headerBytes} bytes`, bytes.length);
  const view = new DataView(bytes.buffer, bytes.byteOffset, headerBytes);
  const dimensions = Array.from({ length: rank }, (_, i) => view.getUint32(4 + 4 * i));
  // A product above 2^53 is inexact, but it stays large, so it cannot equal the file's length by accident.
  const total = headerBytes + dimensions.reduce((product, dimension) => product * dimension, bytesEach);
  if (bytes.length !== total) {
    throw lengthWrong(name, `${total} bytes (dimensions ${dimensions.join(' x ')})`, bytes.length);
  }
  return { dimensions, values: bytes.subarray(headerBytes) };
}

/** The header of an IDX file of unsigned bytes. */
export function encodeIdxHeader(dimensions: readonly number[]): Uint8Array {
  const header = new Uint8Array(4 + 4 * dimensions.length);
  const view = new DataView(header.buffer);
  header[2] = UNSIGNED_BYTE;
  header[3] = dimensions.length;
  dimensions.forEach((dimension, i) => {
    view.setUint32(4 + 4 * i, dimension);
  });
  return header;
}

/** A whole IDX file. */
export function encodeIdx({ dimensions, values }: IdxArray): Uint8Array {
  const header = encodeIdxHeader(dimensions);
  const file = new Uint8Array(header.length + values.length);
  file.set(header);
  file.set(values, header.length);
  return file;
}

const swapped = 'check that images and labels are not swapped';

function checkMagic({ name, bytes }: IdxFile, type: number): void {
  if (bytes.length < 4) throw lengthWrong(name, 'a header', bytes.length);
  const magic = `its first bytes are ${hex(bytes.subarray(0, 4))}`;
  if (bytes[0] !== 0 || bytes[1] !== 0) {
    throw invalid(name, `not an IDX file: ${magic}, expected 00 00 08 and the number of dimensions`, anew);
  }
  if (bytes[2] !== type) {
    throw invalid(name, `${magic}; only unsigned bytes (type 08) are supported`, 'convert the values to bytes');
  }
  if (bytes[3] < 1 || bytes[3] > limits.idxDimensionsMax) {
    throw invalid(name, `it declares ${bytes[3]} dimensions, expected 1 to ${limits.idxDimensionsMax}`, anew);
  }
}

const anew = 'get the file again';

function checkImages(name: string, count: number, shape: readonly number[]): void {
  if (shape.length === 0) {
    throw invalid(name, 'images have at least 2 dimensions (magic 0x803 for 28 x 28), this file has 1', swapped);
  }
  const pixels = shape.reduce((product, side) => product * side, 1);
  if (pixels < 1 || pixels > limits.layerWidthMax) {
    const found = `an image of ${shape.join(' x ')} has ${pixels} pixels`;
    throw invalid(name, `${found}, expected 1 to ${limits.layerWidthMax}`, 'scale the images down');
  }
  if (count < 1 || count > limits.samplesMax) {
    throw invalid(name, `it holds ${count} images, expected 1 to ${limits.samplesMax}`, 'use a set of that size');
  }
}

function refuseLabelsFrom(classes: number, labels: Uint8Array, name: string): void {
  const at = labels.findIndex((label) => label >= classes);
  if (at < 0) return;
  const found = `label ${at} is ${labels[at]}, but the training set has classes 0 to ${classes - 1}`;
  throw invalid(name, found, 'use training and test files of one data set');
}

function largest(labels: Uint8Array): number {
  return labels.reduce((most, label) => Math.max(label, most), 0);
}

function lengthWrong(name: string, expected: string, found: number): LockstepError {
  return invalid(name, `truncated or damaged: expected ${expected}, found ${found} bytes`, anew);
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ');
}

function invalid(name: string, what: string, remedy: string): LockstepError {
  return new LockstepError('data-invalid', `${name}: ${what}; ${remedy}`);
}
