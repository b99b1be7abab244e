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
const headerSlackBytes = 96;
const WORD_BYTES = 8;
const packr = new Packr({ useRecords: false, mapsAsObjects: true, variableMapSize: true });
const withPayload: ReadonlySet<string> = new Set<Message['type']>(['result', 'gradient', 'weights', 'samples']);

/** One frame in one allocation; the pieces of the payload follow each other. */
export function encodeFrame(message: Message, ...payload: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const header = packHeader(message);
  const bytes = payload.reduce((sum, piece) => sum + piece.length, prefixBytes + header.length);
  assert(bytes <= limits.frameBytesMax, 'a frame of', bytes, 'bytes');
  const frame = new Uint8Array(bytes);
  let at = writeHeader(frame, header);
  for (const piece of payload) {
    frame.set(piece, at);
    at += piece.length;
  }
  return frame;
}

/**
 * A frame in a buffer that is used again and again; returns the part of it that is the frame. `fill` writes the
 * payload, of at most `payloadBytesMax`, and returns its length.
 */
export function encodeFrameFrom(
  buffers: FrameBuffers,
  message: Message,
  payloadBytesMax: number,
  fill: (payload: Uint8Array) => number,
): { readonly frame: Uint8Array<ArrayBuffer>; readonly buffer: Uint8Array<ArrayBuffer> } {
  const header = packHeader(message);
  // Headers of one kind differ by a few bytes: with room to spare, one buffer fits them all.
  const buffer = buffers.acquire(headerSlackBytes + payloadBytesMax);
  assert(prefixBytes + header.length + WORD_BYTES <= headerSlackBytes, 'a', message.type, 'header is too long');
  // The payload begins at a whole word: from shared memory, copies to other places are slow (compute/copy.ts).
  const start = (WORD_BYTES - ((prefixBytes + header.length) % WORD_BYTES)) % WORD_BYTES;
  const payloadAt = start + writeHeader(buffer.subarray(start), header);
  const end = payloadAt + fill(buffer.subarray(payloadAt, payloadAt + payloadBytesMax));
  return { frame: buffer.subarray(start, end), buffer };
}

/** Returns where the payload begins. */
function writeHeader(frame: Uint8Array, header: Uint8Array): number {
  frame[0] = header.length & 0xff;
  frame[1] = header.length >> 8;
  frame.set(header, prefixBytes);
  return prefixBytes + header.length;
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
  assert(header.length <= limits.headerBytesMax, 'a', message.type, 'header of', header.length, 'bytes');
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
