/** Gives a machine in a web worker what it needs from the browser: threads, a clock, SHA-256. */
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { openBackend } from '../../shared/arithmetic/backends.js';
import { webAssemblyCode } from '../../shared/arithmetic/webassembly/backend.js';
import type { Platform, ThreadHandle } from '../../shared/compute/platform.js';
import type { FromThread } from '../../shared/compute/thread.js';
import { noProfile } from '../../shared/profile.js';
import { moduleWorker } from './module-worker.js';

/** SHA-256 of the WebAssembly kernels. The build sets it: a page has no fast way to compute it. */
declare const kernelsSha256: string;

/** Makes the platform. `binary` is the binary of the WebAssembly kernels. */
export function browserPlatform(binary: Uint8Array): Platform {
  return {
    backend: openBackend(webAssemblyCode(binary, () => kernelsSha256)),
    cores: navigator.hardwareConcurrency,
    sharesMemory: crossOriginIsolated,
    spawnThread,
    defer: deferrer(),
    nowMs: () => performance.now(),
    profile: noProfile,
    sha256: sha256Hex,
  };
}

/** crypto.subtle cannot be used here: browsers do not offer it to pages over plain http. */
const sha256Hex = (bytes: Uint8Array) => bytesToHex(sha256(bytes));

function spawnThread(): ThreadHandle {
  const worker = moduleWorker(new URL('./join-compute.js', import.meta.url), 'lockstep compute');
  return {
    post: (message, handOver = []) => worker.postMessage(message, handOver),
    listen: (receive) => worker.addEventListener('message', ({ data }: MessageEvent<FromThread>) => receive(data)),
    whenFailed: (report) =>
      worker.addEventListener('error', ({ message }) => report(new Error(message)), { once: true }),
    terminate: () => worker.terminate(),
  };
}

/**
 * Defers calls by messages to itself. A browser delays nested timers by at least 4 ms; it does not delay messages.
 */
function deferrer(): (call: () => void) => void {
  const calls: (() => void)[] = [];
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => calls.shift()?.();
  return (call) => {
    calls.push(call);
    port2.postMessage(null);
  };
}
