/** Converts float32 vectors to the bytes that are hashed and stored, and back. The bytes are always little-endian. */
import { createHash } from 'node:crypto';
import { endianness } from 'node:os';

/** Copies `values` to bytes. Later changes of `values` do not change the copy. `values` may be in shared memory. */
export function littleEndianBytes(values: Float32Array): Uint8Array {
  const bytes = Buffer.alloc(values.byteLength);
  bytes.set(bytesOf(values));
  return endianness() === 'LE' ? bytes : bytes.swap32();
}

/** Copies stored bytes to floats. The length of `bytes` is a multiple of 4. */
export function floatsOf(bytes: Uint8Array): Float32Array {
  const copy = Buffer.from(new Uint8Array(bytes).buffer);
  if (endianness() === 'BE') copy.swap32();
  return new Float32Array(copy.buffer, 0, copy.length / 4);
}

/** The hash of weights: the SHA-256 of the float32 parameters in the order of the model's tensors, in hexadecimal. */
export function weightsSha256(weights: Float32Array): string {
  const bytes = endianness() === 'LE' ? bytesOf(weights) : littleEndianBytes(weights);
  return createHash('sha256').update(bytes).digest('hex');
}

/** The bytes of `values`, as a view. */
function bytesOf(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

/**
 * Bytes that are hashed in one turn of the event loop. They take about 0.25 ms, or several milliseconds on a processor
 * without SHA instructions.
 */
const hashSliceBytes = 512 * 1024;

/**
 * The SHA-256 of all parts, in hexadecimal. Each slice is hashed in its own turn of the event loop, and the first slice
 * in a turn after the caller's, so hashing blocks nothing for long. The parts must not change until this resolves.
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
