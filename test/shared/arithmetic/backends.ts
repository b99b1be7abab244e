/** The kernel backends that tests use. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { KernelBackend } from '../../../shared/arithmetic/backend.js';
import { openBackend } from '../../../shared/arithmetic/backends.js';
import { openScalar } from '../../../shared/arithmetic/scalar/backend.js';
import { webAssemblyCode } from '../../../shared/arithmetic/webassembly/backend.js';

/** The binary with the WebAssembly kernels, from the build. */
export const kernelBinary = new Uint8Array(
  readFileSync(new URL('../../../shared/arithmetic/webassembly/kernels.wasm', import.meta.url)),
);

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** Opens the WebAssembly backend with this binary. */
export function webAssemblyOf(binary: Uint8Array): KernelBackend {
  return openBackend(webAssemblyCode(binary, sha256));
}

/** The backend that is the specification. */
export const scalar = openScalar();
export const webAssembly = webAssemblyOf(kernelBinary);

/** The backends whose results must equal those of the specification. */
export const backendsUnderTest: readonly KernelBackend[] = [webAssembly];
