/**
 * The safetensors file format, for float32 tensors. A file begins with eight bytes that hold the length of the header.
 * A JSON header follows, padded with spaces so that the data starts at a multiple of eight. Then come the tensors'
 * bytes without gaps. PyTorch, NumPy and others read this format.
 *
 * These functions are pure: they work on bytes only. A file is not trusted: every field is checked before it decides
 * how much memory is allocated.
 */
import { limits } from '../../shared/limits.js';
import { floatsOf } from './floats.js';

export type Metadata = Readonly<Record<string, string>>;

/** The name and shape of a tensor. */
export interface TensorShape {
  readonly name: string;
  readonly shape: readonly number[];
}

export interface Tensor extends TensorShape {
  readonly values: Float32Array;
}

export interface Contents {
  /** The tensors, in the order of their bytes in the file. */
  readonly tensors: readonly Tensor[];
  readonly metadata: Metadata;
}

/** The checked header of a file, and its data as bytes. */
export interface Layout {
  readonly tensors: readonly TensorShape[];
  readonly metadata: Metadata;
  /** The bytes of all tensors, without gaps, in the order of `tensors`. A view on the file. */
  readonly data: Uint8Array;
}

/** Says why a file cannot be used. The message is a clause such as "its header is not JSON". */
export class MalformedFile extends Error {}

const lengthBytes = 8;

/** Makes the beginning of a file. The bytes of `tensors` must follow it, in the same order. */
export function encodeHeader(tensors: readonly TensorShape[], metadata: Metadata): Uint8Array {
  let end = 0;
  const entries = tensors.map(({ name, shape }): [string, Entry] => {
    const begin = end;
    end += 4 * elements(shape);
    return [name, { dtype: 'F32', shape, data_offsets: [begin, end] }];
  });
  const json = Buffer.from(JSON.stringify({ __metadata__: metadata, ...Object.fromEntries(entries) }));
  const padded = Math.ceil(json.length / 8) * 8;
  const header = Buffer.alloc(lengthBytes + padded, ' ');
  header.writeBigUInt64LE(BigInt(padded));
  header.set(json, lengthBytes);
  return header;
}

/** Reads the tensors and metadata of a file. Throws `MalformedFile`. */
export function decode(file: Uint8Array): Contents {
  const { tensors, metadata, data } = decodeHeader(file);
  let at = 0;
  const filled = tensors.map(({ name, shape }) => {
    const begin = at;
    at += 4 * elements(shape);
    return { name, shape, values: floatsOf(data.subarray(begin, at)) };
  });
  return { tensors: filled, metadata };
}

/** Reads and checks the header of a file, without copying the data. Throws `MalformedFile`. */
export function decodeHeader(file: Uint8Array): Layout {
  const headerBytes = headerLength(file);
  const data = file.subarray(lengthBytes + headerBytes);
  const { __metadata__, ...rest } = parseHeader(file.subarray(lengthBytes, lengthBytes + headerBytes));
  const tensors = Object.entries(rest).map(([name, entry]) => ({ name, ...checkedEntry(name, entry) }));
  tensors.sort((a, b) => a.data_offsets[0] - b.data_offsets[0] || a.data_offsets[1] - b.data_offsets[1]);
  checkCoverage(tensors, data.length);
  return {
    tensors: tensors.map(({ name, shape }) => ({ name, shape })),
    metadata: checkedMetadata(__metadata__),
    data,
  };
}

interface Entry {
  readonly dtype: 'F32';
  readonly shape: readonly number[];
  /** Positions of the first byte and of the byte after the last, counted from the end of the header. */
  readonly data_offsets: readonly [number, number];
}

function elements(shape: readonly number[]): number {
  return shape.reduce((product, extent) => product * extent, 1);
}

function headerLength(file: Uint8Array): number {
  if (file.length < lengthBytes) throw new MalformedFile(`it has only ${file.length} bytes`);
  const stated = new DataView(file.buffer, file.byteOffset, file.byteLength).getBigUint64(0, true);
  if (stated > BigInt(limits.safetensorsHeaderBytesMax)) {
    throw new MalformedFile(`its header would have ${stated} bytes, more than ${limits.safetensorsHeaderBytesMax}`);
  }
  const length = Number(stated);
  if (lengthBytes + length > file.length) throw new MalformedFile('it ends within its header');
  return length;
}

function parseHeader(bytes: Uint8Array): Record<string, unknown> {
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw new MalformedFile('its header is not JSON');
  }
  if (!isObject(header)) throw new MalformedFile('its header is not a JSON object');
  return header;
}

function checkedEntry(name: string, entry: unknown): Entry {
  const fault = invalidEntry(entry);
  if (fault === null) return entry as Entry;
  throw new MalformedFile(`tensor ${JSON.stringify(name.slice(0, 64))} ${fault}`);
}

function invalidEntry(entry: unknown): string | null {
  if (!isObject(entry) || Object.keys(entry).sort().join() !== 'data_offsets,dtype,shape') {
    return 'must have dtype, shape and data_offsets, and nothing else';
  }
  const { dtype, shape, data_offsets: offsets } = entry;
  if (dtype !== 'F32') return 'is not of dtype F32';
  if (!isCounts(shape) || shape.length > limits.safetensorsAxesMax) return 'has an invalid shape';
  if (!isCounts(offsets) || offsets.length !== 2) return 'has invalid offsets';
  // A product above 2^53 may be inexact, but then it is larger than any difference of two safe integers.
  return offsets[1] - offsets[0] === 4 * elements(shape) ? null : 'has a shape and offsets that contradict each other';
}

/** Checks that every byte of the data belongs to exactly one tensor. */
function checkCoverage(tensors: readonly (TensorShape & Entry)[], dataBytes: number): void {
  let end = 0;
  for (const { name, data_offsets: offsets } of tensors) {
    if (offsets[0] !== end) throw new MalformedFile(`tensor "${name}" does not begin where the one before it ends`);
    end = offsets[1];
  }
  if (end !== dataBytes) throw new MalformedFile(`its tensors need ${end} bytes, but there are ${dataBytes}`);
}

function checkedMetadata(metadata: unknown): Metadata {
  if (metadata === undefined) return {};
  if (isObject(metadata) && Object.values(metadata).every((value) => typeof value === 'string')) {
    return metadata as Metadata;
  }
  throw new MalformedFile('its __metadata__ is not an object of strings');
}

function isObject(x: unknown): x is Record<string, unknown> {
  return typeof x === 'object' && x !== null && !Array.isArray(x);
}

function isCounts(x: unknown): x is number[] {
  return Array.isArray(x) && x.every((value) => Number.isSafeInteger(value) && value >= 0);
}
