/// <reference path="./webassembly.d.ts" preserve="true" />
/**
 * Memories of WebAssembly. A shared one grows in place, for every thread at once, and its address stays the same. Engines
 * read and write them from JavaScript as fast as any other buffer, which they do not with a growable SharedArrayBuffer.
 * Copies to and from a memory that is not shared are several times as fast as those of a shared one.
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

/** A memory for kernels that are not WebAssembly. */
export interface ForeignMemory extends GrowableMemory {
  /** What `openForeignMemory` takes. Can be cloned by a message if the memory is shared. */
  readonly handOver: unknown;
}

export function createForeignMemory(bytes: number, shared: boolean): ForeignMemory {
  return openForeignMemory(createWebAssemblyMemory(bytes, shared));
}

export function openForeignMemory(handOver: unknown): ForeignMemory {
  const memory = handOver as WebAssembly.Memory;
  return {
    get buffer() {
      return memory.buffer;
    },
    grow: (bytes) => growWebAssemblyMemory(memory, bytes),
    handOver,
  };
}
