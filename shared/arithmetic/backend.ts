/**
 * A kernel backend: one way to run the kernels (scalar TypeScript, WebAssembly, native code), with the memory they work on.
 *
 * What this is: all that the rest of the program knows about how the arithmetic is carried out. Machines, threads,
 * networks, tests and browser pages use these interfaces and `Kernels`, and no type of a particular backend.
 * What this is not: the arithmetic. Every backend gives the same bits (E2), and `kernels.ts` says which.
 *
 * A process may use several backends at once, each with memories of its own. `backends.ts` opens one by its name.
 */
import type { ConvSizes } from './conv-sizes.js';
import type { Kernels, Pointer } from './kernels.js';

/** Sizes of the regions that a backend's kernels need. They differ from backend to backend. */
export interface KernelSizes {
  /** Bytes that the record of an image may take: a multiple of 4. */
  recordBytesMax(pixels: number): number;
  /** Floats of a packed micro-batch, which `gather` writes. */
  packedFloats(rows: number, pixels: number): number;
  /** Floats of the scratch that a kernel may use for a layer of these sizes. */
  scratchFloats(rows: number, inputs: number, outputs: number): number;
  /** Floats of the scratch that a kernel may use for a convolution of these sizes. */
  convScratchFloats(sizes: ConvSizes): number;
}

/** Flat memory that can grow. */
export interface GrowableMemory {
  /** The memory's bytes. Growing may replace the buffer, so do not keep it or views of it where the memory grows. */
  readonly buffer: ArrayBufferLike;
  /** Adds at least `bytes` zero bytes at the end. Throws if there is no room for them. */
  grow(bytes: number): void;
}

/** A memory that a backend made, and the backend's kernels over it. */
export interface KernelMemory extends GrowableMemory {
  readonly kernels: Kernels;
  /** What another thread needs to open this memory with `KernelBackend.openMemory`. Can be cloned by a message. */
  readonly handOver: unknown;
}

export interface KernelBackend {
  /** Its key in the table of `backends.ts`. */
  readonly name: string;
  /**
   * What the log and the table of the fleet say of it: the name and the first digits of the hash of its code, such as
   * 'webassembly 1f3a5c7d9e2b'. Printable, at most 64 characters. It decides nothing.
   */
  readonly description: string;
  readonly sizes: KernelSizes;
  /** A new memory of at least `bytes` zero bytes; `shared` means that other threads may open it too. */
  createMemory(bytes: number, shared: boolean): KernelMemory;
  /** Opens a shared memory that another thread made with the same backend; `handOver` is the memory's. */
  openMemory(handOver: unknown): KernelMemory;
  /** What another thread needs to open this backend. */
  readonly handOver: BackendHandOver;
}

/** A backend on its way to another thread, or on its way from a file. Can be cloned by a message. */
export interface BackendHandOver {
  readonly name: string;
  /** The backend's own business: compiled code, a file's path, or nothing. */
  readonly code: unknown;
}

/** First byte of a memory that a caller may use. Address 0 is never an operand: `Kernels.changes` uses it as "none". */
export const memoryStart: Pointer = 64;
