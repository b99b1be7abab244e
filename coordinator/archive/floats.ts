/** Float32 vectors as the bytes that are hashed and stored: little-endian on every machine. */
import { createHash } from 'node:crypto';
import { endianness } from 'node:os';

/** A copy: later changes of `values` do not reach it. `values` may lie in shared memory. */
export function littleEndianBytes(values: Float32Array): Uint8Array {
  const bytes = Buffer.alloc(values.byteLength);
  bytes.set(bytesOf(values));
  return endianness() === 'LE' ? bytes : bytes.swap32();
}

/** Floats from stored bytes, a copy of their own. The length is a multiple of 4. */
export function floatsOf(bytes: Uint8Array): Float32Array {
  const copy = Buffer.from(new Uint8Array(bytes).buffer);
  if (endianness() === 'BE') copy.swap32();
  return new Float32Array(copy.buffer, 0, copy.length / 4);
}

/** The weights hash: SHA-256 over the float32 parameters in declaration order, in hexadecimal. */
export function weightsSha256(weights: Float32Array): string {
  const bytes = endianness() === 'LE' ? bytesOf(weights) : littleEndianBytes(weights);
  return createHash('sha256').update(bytes).digest('hex');
}

/** A view. */
function bytesOf(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

/** Bytes hashed in one turn of the event loop: about a quarter of a millisecond, or several without SHA instructions. */
const hashSliceBytes = 512 * 1024;

/**
 * SHA-256 over all parts, in hexadecimal, without holding up the event loop: each slice has a turn of its own, the
 * first one after that of the caller. The parts must not change meanwhile.
 */
export async function sha256OfParts(parts: readonly Uint8Array[]): Promise<string> {
  const hash = createHash('sha256');
  for (const part of parts) {
    for (let at = 0; at < part.length; at += hashSliceBytes) {
      await new Promise(setImmediate);
      hash.update(part.subarray(at, at + hashSliceBytes));
    }
  }
  return hash.digest('hex');
}
