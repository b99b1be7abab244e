/** What a machine needs from Node: threads, the kernels, a clock, SHA-256. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { setFlagsFromString } from 'node:v8';
import { Worker } from 'node:worker_threads';
import { openBackend } from '../shared/arithmetic/backends.js';
import { webAssemblyCode } from '../shared/arithmetic/webassembly/backend.js';
import type { Platform, ThreadHandle } from '../shared/compute/platform.js';
import type { FromThread } from '../shared/compute/thread.js';
import { noProfile, type Profile } from '../shared/profile.js';

const kernelsFile = new URL('../shared/arithmetic/webassembly/kernels.wasm', import.meta.url);
const threadFile = new URL('./thread-entry.js', import.meta.url);

/**
 * A compute thread makes little garbage, all of it short-lived. Left alone, the engine lets it pile up to tens of
 * megabytes in each thread before it collects.
 */
const maxYoungGenerationSizeMb = 3;

/**
 * The same for the process's first thread, whose limit cannot be set from within: from now on its young generation
 * keeps its size. Each thread that is made sets this back. So small, it is collected in half a millisecond by one
 * thread; with the help of others, it takes as long as they wait for a core.
 */
function keepFirstThreadSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
  setFlagsFromString('--no-parallel-scavenge');
}

/** `profile` measures this thread; by default nothing does. */
export function nodePlatform(profile: Profile = noProfile): Platform {
  keepFirstThreadSmall();
  return {
    backend: openBackend(webAssemblyCode(readFileSync(kernelsFile), sha256)),
    kernelsSha256: sha256(readFileSync(kernelsFile)),
    cores: availableParallelism(),
    sharesMemory: true,
    spawnThread,
    defer: (call) => void setImmediate(call),
    nowMs: () => performance.now(),
    profile,
    sha256,
  };
}

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

function spawnThread(): ThreadHandle {
  const worker = new Worker(threadFile, { name: 'lockstep compute', resourceLimits: { maxYoungGenerationSizeMb } });
  worker.on('online', keepFirstThreadSmall);
  return {
    post: (message, handOver) => worker.postMessage(message, handOver),
    listen: (receive) => worker.on('message', (message: FromThread) => receive(message)),
    whenFailed: (report) => worker.on('error', report),
    terminate: () => void worker.terminate(),
  };
}
