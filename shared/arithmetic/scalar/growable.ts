/**
 * Shared memory that grows in place, for every thread at once, without WebAssembly. Its address stays the same.
 *
 * What this is not: memory for every platform. A page that is not cross-origin isolated has no shared memory.
 */

/** The compiler's library does not know of growable shared buffers yet. Every engine that shares memory does. */
export type GrowableBuffer = SharedArrayBuffer & { grow(bytes: number): void };
type NewGrowableBuffer = new (bytes: number, options: { maxByteLength: number }) => GrowableBuffer;

/** Pointers have 32 bits. This is an address range: only the bytes that are used take memory. */
const BYTES_MAX = 2 ** 32 - 65_536;

/** The constructor is looked up here and not earlier: a page that is not cross-origin isolated does not have it. */
export function growableBuffer(bytes: number): GrowableBuffer {
  const Buffer = SharedArrayBuffer as unknown as NewGrowableBuffer;
  return new Buffer(bytes, { maxByteLength: BYTES_MAX });
}

export function growBuffer(buffer: GrowableBuffer, bytes: number): void {
  buffer.grow(buffer.byteLength + bytes);
}
