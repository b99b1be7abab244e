/**
 * Makes a kernel binary for shared memory from one for ordinary memory. The two differ in one byte: the flags of the
 * imported memory's limits.
 */

const MAGIC_AND_VERSION = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
const IMPORT_SECTION = 2;
const MEMORY_KIND = 2;
/** The flags of a memory's limits. Bit 0 means that there is a maximum. Bit 1 means that the memory is shared. */
const HAS_MAXIMUM = 1;
const HAS_MAXIMUM_AND_SHARED = 3;

/**
 * Returns a copy of the binary that imports a shared memory. Throws if a memory with a maximum is not the binary's only
 * import.
 */
export function withSharedMemory(binary: Uint8Array): Uint8Array {
  const at = memoryFlagsAt(binary);
  if (binary[at] !== HAS_MAXIMUM) throw new Error('the kernel binary does not import a memory with a maximum');
  // slice() cannot be used here: for a Node Buffer it returns a view of the same bytes and not a copy.
  const patched = new Uint8Array(binary);
  patched[at] = HAS_MAXIMUM_AND_SHARED;
  return patched;
}

/** Finds the position of the flags byte of the imported memory. */
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

  /** Reads a number in LEB128: seven bits per byte, the lowest first. */
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
