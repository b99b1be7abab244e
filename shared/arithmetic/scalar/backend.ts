/**
 * The specification as a backend: plain loops in TypeScript, over memory that is an ordinary or a shared array buffer.
 * It is slow and needs no code but its own. Tests compare every other backend with it.
 */
import type { KernelBackend, KernelMemory, KernelSizes } from '../backend.js';
import { type GrowableBuffer, growableBuffer, growBuffer } from './growable.js';
import { scalarKernels } from './kernels.js';

/** Records and packed samples are the images as they are, and no kernel needs scratch. */
const sizes: KernelSizes = {
  recordBytesMax: (pixels) => Math.ceil(pixels / 4) * 4,
  packedFloats: (rows, pixels) => rows * pixels,
  scratchFloats: () => 0,
  convScratchFloats: () => 0,
};

export function openScalar(): KernelBackend {
  return {
    name: 'scalar',
    description: 'scalar',
    sizes,
    createMemory: (bytes, shared) => (shared ? new SharedMemory(growableBuffer(bytes)) : new OwnMemory(bytes)),
    openMemory: (handOver) => new SharedMemory(handOver as GrowableBuffer),
    handOver: { name: 'scalar', code: null },
  };
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
    growBuffer(this.buffer, bytes);
  }
}
