/**
 * Runs once before all tests: compiles the native kernels into the cache that the tests use. Without a C compiler it does
 * nothing, and the tests of native kernels are skipped.
 */
import { nativeKernels } from '../worker/native/native-kernels.js';

export async function setup(): Promise<void> {
  await nativeKernels({ kernels: 'auto' });
}
