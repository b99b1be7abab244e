/**
 * The specification as a backend: plain loops in TypeScript, over memory that is an ordinary or a shared array buffer.
 * It is slow and needs no code but its own. Tests compare every other backend with it.
 */
import type { KernelBackend, KernelMemory, KernelSizes } from '../backend.js';
import { scalarKernels } from './kernels.js';

/** Records and packed samples are the images as they are, and no kernel needs scratch. */
const sizes: KernelSizes = {
  recordBytesMax: (pixels) => Math.ceil(pixels / 4) * 4,
  packedFloats: (rows, pixels) => rows * pixels,
  scratchFloats: () => 0,
};

/** The compiler's library does not know of growable shared buffers yet. Every engine that shares memory does. */
type GrowableBuffer = SharedArrayBuffer & { grow(bytes: number): void };
type NewGrowableBuffer = new (bytes: number, options: { maxByteLength: number }) => GrowableBuffer;

/** Pointers have 32 bits. This is an address range: only the bytes that are used take memory. */
const BYTES_MAX = 2 ** 32 - 65_536;

export function openScalar(): KernelBackend {
  return {
    name: 'scalar',
    description: 'scalar',
    sizes,
    createMemory: (bytes, shared) => (shared ? new SharedMemory(growable(bytes)) : new OwnMemory(bytes)),
    openMemory: (handOver) => new SharedMemory(handOver as GrowableBuffer),
    handOver: { name: 'scalar', code: null },
  };
}

/** The constructor is looked up here and not earlier: a page that is not cross-origin isolated does not have it. */
function growable(bytes: number): GrowableBuffer {
  const Buffer = SharedArrayBuffer as unknown as NewGrowableBuffer;
  return new Buffer(bytes, { maxByteLength: BYTES_MAX });
}

/** Grows by moving to a larger buffer. */
class OwnMemory implements KernelMemory {
  buffer: ArrayBuffer;
  readonly kernels = scalarKernels(this);
  readonly handOver = null;

  constructor(bytes: number) {
    this.buffer = new ArrayBuffer(bytes);
  }

  grow(bytes: number): void {
    const larger = new ArrayBuffer(this.buffer.byteLength + bytes);
    new Uint8Array(larger).set(new Uint8Array(this.buffer));
    this.buffer = larger;
  }
}

/** Grows in place, for every thread at once. */
class SharedMemory implements KernelMemory {
  readonly kernels = scalarKernels(this);

  constructor(readonly buffer: GrowableBuffer) {}

  get handOver(): unknown {
    return this.buffer;
  }

  grow(bytes: number): void {
    this.buffer.grow(this.buffer.byteLength + bytes);
  }
}
