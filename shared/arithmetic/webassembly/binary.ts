/// <reference path="./webassembly.d.ts" preserve="true" />
/**
 * Loads the kernel binary. Pure: the caller brings the bytes and the memory.
 *
 * One binary serves private and shared memory. They differ in one byte, the flags of the imported memory's limits; for
 * a shared memory that byte is changed before the binary is compiled. Hashes are of the binary as it was built.
 */
import type { Kernels } from '../kernels.js';

/** Bytes at the start of the memory that are the kernels'. They use none, but address 0 stays nobody's. */
export const reservedBytes = 64;

/** Compiles the binary for memories that are shared, or for those that are not. */
export function compileKernels(binary: Uint8Array, shared: boolean): WebAssembly.Module {
  return new WebAssembly.Module(shared ? withSharedMemory(binary) : binary);
}

/**
 * The kernels over `memory`, which may have been handed over by another thread, as may the module. Throws if one is
 * shared and the other is not.
 */
export function simdKernels(module: WebAssembly.Module, memory: WebAssembly.Memory): Kernels {
  return new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as Kernels;
}

const MAGIC_AND_VERSION = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
const IMPORT_SECTION = 2;
const MEMORY_KIND = 2;
/** Limits flags: bit 0 says that there is a maximum, bit 1 that the memory is shared. */
const HAS_MAXIMUM = 1;
const HAS_MAXIMUM_AND_SHARED = 3;

function withSharedMemory(binary: Uint8Array): Uint8Array {
  const at = memoryFlagsAt(binary);
  if (binary[at] !== HAS_MAXIMUM) throw new Error('the kernel binary does not import a memory with a maximum');
  // Not slice(): that of a Node Buffer is a view of the same bytes.
  const patched = new Uint8Array(binary);
  patched[at] = HAS_MAXIMUM_AND_SHARED;
  return patched;
}

/** Place of the flags byte of the imported memory, which is the binary's only import. */
function memoryFlagsAt(binary: Uint8Array): number {
  if (MAGIC_AND_VERSION.some((byte, i) => binary[i] !== byte)) throw new Error('not a WebAssembly binary');
  const reader = new Reader(binary, MAGIC_AND_VERSION.length);
  while (reader.at < binary.length) {
    const section = reader.byte();
    const length = reader.uint32();
    if (section !== IMPORT_SECTION) {
      reader.at += length;
      continue;
    }
    const imports = reader.uint32();
    reader.name();
    reader.name();
    if (imports === 1 && reader.byte() === MEMORY_KIND) return reader.at;
    break;
  }
  throw new Error('the kernel binary does not import a memory, and nothing else');
}

class Reader {
  constructor(
    private readonly bytes: Uint8Array,
    public at: number,
  ) {}

  byte(): number {
    return this.bytes[this.at++];
  }

  /** LEB128: seven bits a byte, the lowest first. */
  uint32(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte();
      value |= (byte & 0x7f) << shift;
      if (!(byte & 0x80)) return value >>> 0;
    }
  }

  name(): void {
    const length = this.uint32();
    this.at += length;
  }
}
