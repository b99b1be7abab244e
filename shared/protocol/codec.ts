/**
 * Frames: uint16 LE header length, header (a MessagePack map), payload to the end. The payload never passes through
 * MessagePack. When a frame is encoded, its payload is copied at most once; a decoded payload is a view of its frame.
 *
 * Decoding never throws. It checks every field. It does not check the length of a payload (payload.ts does), except
 * that a message without a payload must have none.
 */
import { Packr } from 'msgpackr/pack'; // without the package's native and stream parts: the same code in a browser
import { assert } from '../assert.js';
import { limits } from '../limits.js';
import { type ProtocolError, type ProtocolErrorCode, protocolError } from './errors.js';
import type { FrameBuffers } from './frame-buffers.js';
import { invalidHeader } from './header.js';
import { type FromCoordinator, type FromWorker, type Message, protocolVersion } from './messages.js';
import { fromCoordinatorValidators, fromWorkerValidators } from './validate.js';

/** A message with a view of the frame's payload, or what is wrong with the frame. */
export type Decoded<M extends Message> =
  | { readonly message: M; readonly payload: Uint8Array }
  | { readonly error: ProtocolError };

const prefixBytes = 2;
const headerSlackBytes = 96;
const WORD_BYTES = 8;
const packr = new Packr({ useRecords: false, mapsAsObjects: true, variableMapSize: true });
const withPayload: ReadonlySet<string> = new Set<Message['type']>(['result', 'gradient', 'weights', 'samples']);

/** Encodes a frame in one allocation. The pieces of the payload follow each other. */
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
 * Encodes a frame in a reused buffer, and returns both: the frame is a part of the buffer. `fill` writes the payload,
 * of at most `payloadBytesMax` bytes, and returns its length.
 */
export function encodeFrameFrom(
  buffers: FrameBuffers,
  message: Message,
  payloadBytesMax: number,
  fill: (payload: Uint8Array) => number,
): { readonly frame: Uint8Array<ArrayBuffer>; readonly buffer: Uint8Array<ArrayBuffer> } {
  const header = packHeader(message);
  // Headers of one kind differ by a few bytes. With some spare room, one buffer fits all of them.
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
    // After the check of the header, no error is known. If there is one, a peer must not be able to end the process.
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

/** This is checked before the other fields, because they may be different in another version. */
function otherVersion(type: string, header: object): number | null {
  if ((type !== 'hello' && type !== 'welcome') || !Object.hasOwn(header, 'protocol')) return null;
  const { protocol } = header as { protocol: unknown };
  return typeof protocol === 'number' && protocol !== protocolVersion ? protocol : null;
}

function failed(code: ProtocolErrorCode, detail?: string): { readonly error: ProtocolError } {
  return { error: protocolError(code, detail) };
}
