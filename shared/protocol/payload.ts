/**
 * The raw bytes behind a header: their length, and their content as far as it can be checked without arithmetic. All
 * numbers are little-endian. Whether a gradient is finite is checked where it is added (E5).
 */
import { type SetSizes, sizeOf } from '../data/dataset.js';
import { limits } from '../limits.js';
import type { Coding } from '../model/coding.js';
import { kinds, scoreFloats } from '../work/kinds.js';
import { imageBytesMax, imageEnd, unpackImage } from './images.js';
import type { Gradient, SamplesMessage, WeightsMessage } from './messages.js';
import type { LeasedWork, SumRoute, TensorContext } from './route.js';
import { invalidCodedPart, invalidPart, partAt, partsOf } from './tensor.js';

/** The figures of a run that determine the lengths. */
export interface PayloadContext extends SetSizes, TensorContext {
  /** Bytes of one sample. */
  readonly pixels: number;
  readonly classes: number;
}

/** Bytes of a sample's number and label. */
const looseBytes = 4 + 1;

/** Bytes of the loss sum and the correct count. */
export const scoreBytes = 4 * scoreFloats;

/** The most bytes of this many samples. */
export function samplesBytesMax(count: number, pixels: number): number {
  return count * (looseBytes + imageBytesMax(pixels));
}

/** Of a part of the weights. Changes of the weights travel in codes, if anything does. */
export function invalidWeightsPayload(
  { base, part }: WeightsMessage,
  payload: Uint8Array,
  { parameters, coding }: PayloadContext,
): string | null {
  if (part >= partsOf(parameters)) return `weights has no part ${part}`;
  return invalidTensorPart('weights', payload, part, parameters, base === null ? null : coding);
}

/** Of a part of a gradient that travels by this route. */
export function invalidGradientPayload(
  { part }: Gradient,
  payload: Uint8Array,
  { coding, parts, partsOfTensor }: SumRoute,
  { parameters }: PayloadContext,
): string | null {
  if (part >= parts) return `gradient has no part ${part}`;
  return invalidTensorPart('gradient', payload, part % partsOfTensor, parameters, coding);
}

/** `coding` is null for a part that is not coded. */
function invalidTensorPart(
  type: string,
  payload: Uint8Array,
  part: number,
  floats: number,
  coding: Coding | null,
): string | null {
  const fault =
    coding === null
      ? invalidPart(payload, partAt(part, floats).count)
      : invalidCodedPart(payload, part, floats, coding);
  return fault === null ? null : `${type}: ${fault}`;
}

export function invalidSamplesPayload(
  { set, count }: SamplesMessage,
  payload: Uint8Array,
  run: PayloadContext,
): string | null {
  if (payload.length > limits.samplesBytesMax) return `samples has more than ${limits.samplesBytesMax} bytes`;
  const fault = invalidImages(payload, count, run.pixels);
  if (fault !== null) return fault;
  const { ids, labels } = looseIn(payload, count);
  const size = sizeOf(run, set);
  if (ids.some((id) => id >= size)) return `samples has an id that is not below ${size}`;
  return labels.some((label) => label >= run.classes) ? `samples has a label that is not below ${run.classes}` : null;
}

export function invalidResultPayload(
  payload: Uint8Array,
  { work, samples }: Omit<LeasedWork, 'slots'>,
  { classes }: PayloadContext,
): string | null {
  const fault = invalidLength('result', payload, scoreBytes + (kinds[work].predicts ? samples : 0));
  if (fault !== null) return fault;
  const predictions = payload.subarray(scoreBytes);
  return predictions.some((label) => label >= classes) ? `result has a class that is not below ${classes}` : null;
}

function invalidImages(payload: Uint8Array, count: number, pixels: number): string | null {
  let end = looseBytes * count;
  if (end > payload.length) return `samples has a payload of ${payload.length} bytes for ${count} samples`;
  for (let i = 0; i < count; i++) {
    const next = imageEnd(payload, end, pixels);
    if (next === null) return `samples: image ${i} is not one of ${pixels} pixels`;
    end = next;
  }
  return invalidLength('samples', payload, end);
}

/** The numbers, labels and pixels of a valid `samples` payload. The labels are a view. */
export function samplesIn(payload: Uint8Array, count: number, pixels: number) {
  const images = new Uint8Array(count * pixels);
  let at = looseBytes * count;
  for (let i = 0; i < count; i++) at = unpackImage(payload, at, images.subarray(i * pixels, (i + 1) * pixels));
  return { ...looseIn(payload, count), pixels: images };
}

function looseIn(payload: Uint8Array, count: number) {
  const view = new DataView(payload.buffer, payload.byteOffset, 4 * count);
  const ids = new Uint32Array(count);
  for (let i = 0; i < count; i++) ids[i] = view.getUint32(4 * i, true);
  return { ids, labels: payload.subarray(4 * count, 5 * count) };
}

function invalidLength(type: string, payload: Uint8Array, bytes: number): string | null {
  return payload.length === bytes ? null : `${type} has a payload of ${payload.length} bytes, not ${bytes}`;
}
