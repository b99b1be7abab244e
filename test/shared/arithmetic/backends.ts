/** The kernel backends that tests use. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { KernelBackend } from '../../../shared/arithmetic/backend.js';
import { openBackend } from '../../../shared/arithmetic/backends.js';
import { type NativeCode, openNative } from '../../../shared/arithmetic/native/backend.js';
import { openScalar } from '../../../shared/arithmetic/scalar/backend.js';
import { webAssemblyCode } from '../../../shared/arithmetic/webassembly/backend.js';
import { loadAddon } from '../../../worker/native/addon.js';
import { findCompiler } from '../../../worker/native/compiler.js';
import { nativeKernels } from '../../../worker/native/native-kernels.js';

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

const compiler = await findCompiler(process.env);

/** The native kernels, as this machine chooses them. Null without a C compiler; with one, they must not be missing. */
export const native = 'fault' in compiler ? null : await nativeKernels({ kernels: 'native' });

/** The native backend with every width of vectors that this processor has. */
export const nativeOfEachWidth: readonly KernelBackend[] = native === null ? [] : eachWidth(native);

function eachWidth({ handOver }: KernelBackend): KernelBackend[] {
  const code = handOver.code as NativeCode;
  const addon = loadAddon(code.file);
  return Object.keys(addon.widths()).map((width) => openNative(addon, { ...code, width }));
}

/** The backends whose results must equal those of the specification. */
export const backendsUnderTest: readonly KernelBackend[] = [webAssembly, ...nativeOfEachWidth];
