/// <reference path="./webassembly.d.ts" preserve="true" />
/**
 * Memories of WebAssembly. A shared one grows in place, for every thread at once, and its address stays the same. Engines
 * read and write it from JavaScript as fast as any other buffer, which they do not with a growable SharedArrayBuffer.
 */
import type { GrowableMemory } from '../backend.js';

const PAGE_BYTES = 65_536;
/** The largest possible maximum of a 32-bit memory. It only reserves a range of addresses, and uses no memory itself. */
const PAGES_MAX = 65_536;

export function createWebAssemblyMemory(bytes: number, shared: boolean): WebAssembly.Memory {
  return new WebAssembly.Memory({ initial: Math.ceil(bytes / PAGE_BYTES), maximum: PAGES_MAX, shared });
}

export function growWebAssemblyMemory(memory: WebAssembly.Memory, bytes: number): void {
  memory.grow(Math.ceil(bytes / PAGE_BYTES));
}

/** A memory that other threads can open, for kernels that are not WebAssembly. */
export interface GrowableSharedMemory extends GrowableMemory {
  /** What `openSharedMemory` takes. Can be cloned by a message. */
  readonly handOver: unknown;
}

export function createSharedMemory(bytes: number): GrowableSharedMemory {
  return openSharedMemory(createWebAssemblyMemory(bytes, true));
}

export function openSharedMemory(handOver: unknown): GrowableSharedMemory {
  const memory = handOver as WebAssembly.Memory;
  return {
    get buffer() {
      return memory.buffer;
    },
    grow: (bytes) => growWebAssemblyMemory(memory, bytes),
    handOver,
  };
}
