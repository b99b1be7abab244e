/** Which kernels a command computes with. */
import type { Logger } from 'pino';
import type { KernelBackend } from '../../shared/arithmetic/backend.js';
import { nativeKernels } from '../../worker/native/native-kernels.js';
import type { KernelsWish } from '../../worker/native/wish.js';

/** Undefined means WebAssembly. Says it when the kernels have to be compiled first. */
export async function chooseKernels(
  kernels: KernelsWish | undefined,
  logger: Logger,
): Promise<KernelBackend | undefined> {
  const backend = await nativeKernels({
    kernels,
    onBuilding: () => logger.info('compiling the kernels for this processor, once: a few seconds'),
    onMissing: (why) => logger.debug(`no native kernels, so it computes with WebAssembly: ${why}`),
  });
  return backend ?? undefined;
}
