/**
 * Makes a kernel binary for shared memory from one for ordinary memory. The two differ in one byte: the flags of the
 * imported memory's limits.
 */

const MAGIC_AND_VERSION = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
const IMPORT_SECTION = 2;
const MEMORY_KIND = 2;
/** Limits flags: bit 0 says that there is a maximum, bit 1 that the memory is shared. */
const HAS_MAXIMUM = 1;
const HAS_MAXIMUM_AND_SHARED = 3;

/** A copy of the binary whose memory is shared. Throws if it is not a binary that imports a memory, and nothing else. */
export function withSharedMemory(binary: Uint8Array): Uint8Array {
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
