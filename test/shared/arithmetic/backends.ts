/** The kernel backends that tests use. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { KernelBackend } from '../../../shared/arithmetic/backend.js';
import { openBackend } from '../../../shared/arithmetic/backends.js';
import { openScalar } from '../../../shared/arithmetic/scalar/backend.js';
import { webAssemblyCode } from '../../../shared/arithmetic/webassembly/backend.js';

/** The WebAssembly kernels as the build left them. */
export const kernelBinary = new Uint8Array(
  readFileSync(new URL('../../../shared/arithmetic/webassembly/kernels.wasm', import.meta.url)),
);

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** The WebAssembly backend of a binary. */
export function webAssemblyOf(binary: Uint8Array): KernelBackend {
  return openBackend(webAssemblyCode(binary, sha256));
}

/** The specification. */
export const scalar = openScalar();
export const webAssembly = webAssemblyOf(kernelBinary);

/** All that must equal the specification. */
export const backendsUnderTest: readonly KernelBackend[] = [webAssembly];
