/** What a machine needs from Node: threads, the kernels, a clock, SHA-256. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { KernelBackend } from '../shared/arithmetic/backend.js';
import { openBackend } from '../shared/arithmetic/backends.js';
import { webAssemblyCode } from '../shared/arithmetic/webassembly/backend.js';
import type { Platform, ThreadHandle } from '../shared/compute/platform.js';
import type { FromThread } from '../shared/compute/thread.js';
import { noProfile, type Profile } from '../shared/profile.js';

const kernelsFile = new URL('../shared/arithmetic/webassembly/kernels.wasm', import.meta.url);
const threadFile = new URL('./thread-entry.js', import.meta.url);

/**
 * Limit for compute threads. They make little garbage, and all of it is short-lived, but V8 would let it grow to tens of
 * megabytes in each thread before it collects.
 */
const maxYoungGenerationSizeMb = 3;

export interface NodePlatformOptions {
  /** Default: WebAssembly. `native/native-kernels.ts` finds the kernels that are faster. */
  readonly backend?: KernelBackend | undefined;
  /** Measures this thread. Default: nothing is measured. */
  readonly profile?: Profile | undefined;
  /** Called after each start of a thread, because that resets the engine's flags. */
  readonly threadStarted?: () => void;
  /** Threads that have been started already. They are used first. */
  readonly spares?: readonly SpareThread[];
}

/** A thread that waits for its work. It does not keep the process alive. */
export type SpareThread = Pick<Worker, 'ref' | 'on' | 'postMessage' | 'terminate'>;

/** Starts threads before they are asked for, so that a run does not wait for their start. */
export function startSpareThreads(count: number, started?: () => void): SpareThread[] {
  return Array.from({ length: count }, () => {
    const worker = startThread(started);
    worker.unref();
    return worker;
  });
}

export function nodePlatform(options: NodePlatformOptions = {}): Platform {
  const { backend = openWebAssemblyFile(), profile = noProfile, threadStarted } = options;
  const spares = [...(options.spares ?? [])];
  return {
    backend,
    cores: availableParallelism(),
    sharesMemory: true,
    spawnThread: () => handleOf(spares.pop() ?? startThread(threadStarted)),
    defer: (call) => void setImmediate(call),
    nowMs: () => performance.now(),
    profile,
    sha256,
  };
}

function openWebAssemblyFile(): KernelBackend {
  return openBackend(webAssemblyCode(readFileSync(kernelsFile), sha256));
}

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

function startThread(started: () => void = () => {}): Worker {
  const worker = new Worker(threadFile, { name: 'lockstep compute', resourceLimits: { maxYoungGenerationSizeMb } });
  worker.on('online', started);
  return worker;
}

function handleOf(worker: SpareThread): ThreadHandle {
  worker.ref();
  return {
    post: (message, handOver) => worker.postMessage(message, handOver),
    listen: (receive) => worker.on('message', (message: FromThread) => receive(message)),
    whenFailed: (report) => worker.on('error', report),
    terminate: () => void worker.terminate(),
  };
}
