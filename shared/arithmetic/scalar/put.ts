import { Write, type WriteCode } from '../kernels.js';

/** Writes a result as `write` says. */
export function put(out: Float32Array, i: number, result: number, write: WriteCode): void {
  out[i] = write === Write.accumulate ? Math.fround(out[i] + result) : result;
}
