/// <reference path="./webassembly.d.ts" preserve="true" />
/**
 * The WebAssembly backend: kernels with SIMD instructions, compiled from `../c`.
 *
 * What this is not: a reader of files. The caller brings the bytes of the binary, from a file or over the network.
 * The binary is compiled when the first memory of a kind (shared or not) is made. Other threads get the compiled code.
 */
import type { BackendHandOver, KernelBackend, KernelMemory } from '../backend.js';
import { sizesFor } from '../c/sizes.js';
import type { Kernels } from '../kernels.js';
import { createWebAssemblyMemory, growWebAssemblyMemory } from './memory.js';
import { withSharedMemory } from './shared-memory.js';

const NAME = 'webassembly';
const sizes = sizesFor(4);
/** Number of digits of the binary's hash in `description`. */
const HASH_DIGITS = 12;

/** The binary, its description for the log, and the modules that have been compiled from it so far. */
interface Code {
  readonly binary: Uint8Array;
  readonly description: string;
  ordinary: WebAssembly.Module | null;
  shared: WebAssembly.Module | null;
}

/** The hand-over of a memory to another thread. The module is compiled for memories of that kind (shared or not). */
interface MemoryHandOver {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
}

/** Makes the argument with which `openBackend` opens the backend of this binary. `sha256` returns lowercase hex. */
export function webAssemblyCode(binary: Uint8Array, sha256: (bytes: Uint8Array) => string): BackendHandOver {
  const description = `${NAME} ${sha256(binary).slice(0, HASH_DIGITS)}`;
  const code: Code = { binary, description, ordinary: null, shared: null };
  return { name: NAME, code };
}

export function openWebAssembly(handedOver: unknown): KernelBackend {
  const code = handedOver as Code;
  return {
    name: NAME,
    description: code.description,
    sizes,
    createMemory(bytes, shared) {
      return open({ module: compiled(code, shared), memory: createWebAssemblyMemory(bytes, shared) });
    },
    openMemory: (handOver) => open(handOver as MemoryHandOver),
    handOver: { name: NAME, code },
  };
}

function compiled(code: Code, shared: boolean): WebAssembly.Module {
  if (!shared) {
    code.ordinary ??= new WebAssembly.Module(code.binary);
    return code.ordinary;
  }
  code.shared ??= new WebAssembly.Module(withSharedMemory(code.binary));
  return code.shared;
}

function open(handOver: MemoryHandOver): KernelMemory {
  const { module, memory } = handOver;
  return {
    /** The instance's exports themselves: a wrapper around each kernel would cost time in every call. */
    kernels: new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as Kernels,
    get buffer() {
      return memory.buffer;
    },
    grow: (bytes) => growWebAssemblyMemory(memory, bytes),
    handOver,
  };
}
