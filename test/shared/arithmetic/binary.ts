import { readFileSync } from 'node:fs';

/** The kernels as the build left them. */
export const kernelBinary = new Uint8Array(
  readFileSync(new URL('../../../shared/arithmetic/webassembly/kernels.wasm', import.meta.url)),
);
