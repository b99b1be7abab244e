/** Loads the addon of the native backend, and adds that backend to the table. */
import type { BackendTable } from '../../shared/arithmetic/backends.js';
import { backends } from '../../shared/arithmetic/backends.js';
import { type NativeAddon, type NativeCode, nativeName, openNative } from '../../shared/arithmetic/native/backend.js';

/** Throws if the file is no addon for this machine. Every thread that uses the addon loads it. */
export function loadAddon(file: string): NativeAddon {
  const loaded = { exports: {} };
  process.dlopen(loaded, file);
  return loaded.exports as NativeAddon;
}

/** The backends that Node can open. */
export const nodeBackends: BackendTable = {
  ...backends,
  [nativeName]: (code) => openNative(loadAddon((code as NativeCode).file), code as NativeCode),
};
