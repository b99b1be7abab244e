/**
 * `import … from 'lockstep/worker'`: lend this process's cores to a coordinator. coordinator/LIBRARY.md has an example.
 * Importing this does nothing: no signal handlers, no flags of the engine, nothing on the terminal.
 */
import { hostname } from 'node:os';
import type { Platform } from '../shared/compute/platform.js';
import { Random } from '../shared/random.js';
import { parseJoinAddress } from './join-address.js';
import { nativeKernels } from './native/native-kernels.js';
import type { KernelsWish } from './native/wish.js';
import { nodePlatform } from './node-platform.js';
import { NodeWorker } from './node-worker.js';
import type { Outcome, WorkDone } from './session-driver.js';
import type { SessionStatus } from './session-events.js';
import { version } from './version.js';

export { LockstepError } from '../shared/errors.js';
export type { KernelsWish } from './native/wish.js';
export type { Outcome, WorkDone } from './session-driver.js';
export type { SessionStatus } from './session-events.js';

export interface JoinRunOptions {
  /** The token, if the address has none. */
  readonly token?: string | undefined;
  /** Cores to lend. Default: all. */
  readonly threads?: number;
  /** The worker's name in the coordinator's log. Default: the machine's name. */
  readonly name?: string;
  /** Aborted to hand back what the worker holds, and leave. */
  readonly signal?: AbortSignal;
  /** Called when the worker connects, joins, or waits to try again. `lastError` is the reason if it is known. */
  readonly onStatus?: (status: SessionStatus, lastError: string | null) => void;
  /**
   * `auto` compiles the kernels for this processor once, if there is a C compiler, and uses WebAssembly otherwise.
   * `native` rejects with `kernels-unavailable` instead. Default: the variable LOCKSTEP_KERNELS, or `auto`.
   */
  readonly kernels?: KernelsWish;
  /** Default: this process, with the engine as it is, and `kernels`. */
  readonly platform?: Platform;
}

/** How a worker ended, and what it has done. `ok` is false when the coordinator refused it. */
export type Joined = Outcome & Readonly<WorkDone>;

/**
 * Works for the coordinator at `address`, which is a join link or a WebSocket address. A worker that loses its
 * coordinator looks for it again until it answers. Resolves when the run is over, the coordinator refuses the worker, or
 * `signal` is aborted. Rejects with `usage` if the address is not valid.
 */
export async function joinRun(address: string, options: JoinRunOptions = {}): Promise<Joined> {
  const { url, token } = parseJoinAddress(address, options.token);
  const { name = hostname(), signal, onStatus = () => {} } = options;
  const platform = options.platform ?? nodePlatform({ backend: (await nativeKernels(options)) ?? undefined });
  const threads = options.threads ?? platform.cores;
  const worker = new NodeWorker({
    url,
    token,
    session: { version, name, kind: 'node', threads, kernels: platform.backend.description },
    random: new Random(process.pid, Date.now() >>> 0),
    platform,
    onStatus,
  });
  const stop = () => worker.stop();
  signal?.addEventListener('abort', stop);
  if (signal?.aborted) stop();
  try {
    return { ...(await worker.run()), ...worker.done };
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}
