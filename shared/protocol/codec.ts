/**
 * Frames: uint16 LE header length, header (a MessagePack map), payload to the end. The payload never passes through
 * MessagePack: it is copied once into the frame, or not at all, and a decoded one is a view of its frame.
 *
 * Decoding never throws. What comes from it is checked field by field; a payload's length is not, unless the message
 * has none: see payload.ts.
 */
import { Packr } from 'msgpackr/pack'; // without the package's native and stream parts: the same code in a browser
import { assert } from '../assert.js';
import { limits } from '../limits.js';
import { type ProtocolError, type ProtocolErrorCode, protocolError } from './errors.js';
import type { FrameBuffers } from './frame-buffers.js';
import { invalidHeader } from './header.js';
import { type FromCoordinator, type FromWorker, type Message, protocolVersion } from './messages.js';
import { fromCoordinatorValidators, fromWorkerValidators } from './validate.js';

/** A message as it came, with a view of the frame's payload; or what is wrong with the frame. */
export type Decoded<M extends Message> =
  | { readonly message: M; readonly payload: Uint8Array }
  | { readonly error: ProtocolError };

const prefixBytes = 2;
const headerSlackBytes = 64;
const packr = new Packr({ useRecords: false, mapsAsObjects: true, variableMapSize: true });
const withPayload: ReadonlySet<string> = new Set<Message['type']>(['result', 'weights', 'samples']);

/** One frame in one allocation; the parts of the payload follow each other. */
export function encodeFrame(message: Message, ...payload: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const header = packHeader(message);
  return fill(new Uint8Array(frameBytes(header, payload)), header, payload);
}

/** The same in a buffer that is used again and again; returns the part of it that is the frame. */
export function encodeFrameFrom(
  buffers: FrameBuffers,
  message: Message,
  ...payload: readonly Uint8Array[]
): { readonly frame: Uint8Array<ArrayBuffer>; readonly buffer: Uint8Array<ArrayBuffer> } {
  const header = packHeader(message);
  const bytes = frameBytes(header, payload);
  // Headers of one kind differ by a few bytes: with room to spare, one buffer fits them all.
  const buffer = buffers.take(bytes + headerSlackBytes);
  // The payload begins at a whole word: from shared memory, copies to other places are slow (compute/copy.ts).
  const start = (8 - ((prefixBytes + header.length) % 8)) % 8;
  return { frame: fill(buffer.subarray(start, start + bytes), header, payload), buffer };
}

function frameBytes(header: Uint8Array, payload: readonly Uint8Array[]): number {
  const bytes = payload.reduce((sum, part) => sum + part.length, prefixBytes + header.length);
  assert(bytes <= limits.frameBytesMax, `a frame of ${bytes} bytes`);
  return bytes;
}

function fill(
  frame: Uint8Array<ArrayBuffer>,
  header: Uint8Array,
  payload: readonly Uint8Array[],
): Uint8Array<ArrayBuffer> {
  frame[0] = header.length & 0xff;
  frame[1] = header.length >> 8;
  frame.set(header, prefixBytes);
  let at = prefixBytes + header.length;
  for (const part of payload) {
    frame.set(part, at);
    at += part.length;
  }
  return frame;
}

/** At the coordinator: what a worker sent. */
export function decodeFromWorker(frame: Uint8Array): Decoded<FromWorker> {
  return decode(frame, fromWorkerValidators);
}

/** At a worker: what the coordinator sent. */
export function decodeFromCoordinator(frame: Uint8Array): Decoded<FromCoordinator> {
  return decode(frame, fromCoordinatorValidators);
}

function packHeader(message: Message): Uint8Array {
  const header: Uint8Array = packr.pack(message);
  assert(header.length <= limits.headerBytesMax, `a ${message.type} header of ${header.length} bytes`);
  return header;
}

type Validators = Readonly<Record<string, (x: unknown) => string | null>>;

function decode<M extends Message>(frame: Uint8Array, validators: Validators): Decoded<M> {
  if (frame.length > limits.frameBytesMax) return failed('frame-too-large', `${frame.length} bytes`);
  if (frame.length < prefixBytes) return failed('bad-frame', `${frame.length} bytes`);
  const headerBytes = frame[0] | (frame[1] << 8);
  if (headerBytes > limits.headerBytesMax) return failed('header-too-large', `${headerBytes} bytes`);
  const end = prefixBytes + headerBytes;
  if (end > frame.length) return failed('bad-frame', `a header of ${headerBytes} bytes in ${frame.length}`);
  const header = unpackHeader(frame.subarray(prefixBytes, end));
  return typeof header === 'string'
    ? failed('header-invalid', header)
    : checked(header, frame.subarray(end), validators);
}

/** The map in the header, or what is wrong with it. */
function unpackHeader(bytes: Uint8Array): object | string {
  const fault = invalidHeader(bytes);
  if (fault !== null) return fault;
  try {
    return packr.unpack(bytes);
  } catch {
    // Not known to happen behind the scan; a peer must not be able to bring the process down if it does.
    return 'the header cannot be decoded';
  }
}

function checked<M extends Message>(header: object, payload: Uint8Array, validators: Validators): Decoded<M> {
  const type = Object.hasOwn(header, 'type') ? (header as { type: unknown }).type : undefined;
  if (typeof type !== 'string' || !Object.hasOwn(validators, type)) return failed('unknown-message');
  const version = otherVersion(type, header);
  if (version !== null) return failed('version-mismatch', `${version}, not ${protocolVersion}`);
  const fault = validators[type](header);
  if (fault !== null) return failed('field-invalid', fault);
  if (payload.length > 0 && !withPayload.has(type)) return failed('payload-length', `${type} has none`);
  return { message: header as M, payload };
}

/** Looked at before the other fields: those may be different in another version. */
function otherVersion(type: string, header: object): number | null {
  if ((type !== 'hello' && type !== 'welcome') || !Object.hasOwn(header, 'protocol')) return null;
  const { protocol } = header as { protocol: unknown };
  return typeof protocol === 'number' && protocol !== protocolVersion ? protocol : null;
}

function failed(code: ProtocolErrorCode, detail?: string): { readonly error: ProtocolError } {
  return { error: protocolError(code, detail) };
}
