/** The table of kernel backends, by name. A new backend is a folder and a line here. */
import type { BackendHandOver, KernelBackend } from './backend.js';
import { openScalar } from './scalar/backend.js';
import { openWebAssembly } from './webassembly/backend.js';

/** Opens a backend from its code. A program may add backends of its own, such as one that needs files of Node. */
export type BackendTable = Readonly<Record<string, (code: unknown) => KernelBackend>>;

/**
 * Backends that need nothing from a platform but the bytes of their code. The type is written out, so that the
 * declarations of files that import this have no WebAssembly in them.
 */
export const backends: Readonly<Record<'scalar' | 'webassembly', BackendTable[string]>> = {
  scalar: openScalar,
  webassembly: openWebAssembly,
};

/** Opens the backend that another thread handed over, or whose code the platform has read. */
export function openBackend({ name, code }: BackendHandOver, table: BackendTable = backends): KernelBackend {
  if (!Object.hasOwn(table, name)) {
    throw new Error(`there is no kernel backend '${name}': use one of ${Object.keys(table).join(', ')}`);
  }
  return table[name](code);
}
