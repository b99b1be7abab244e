/**
 * A probe that `node --import` loads into a process of Lockstep. Every 100 ms it forces a garbage collection and writes
 * to a file how much of the heap is still in use. The program itself does not know of the probe.
 */
import { appendFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { isMainThread } from 'node:worker_threads';

const intervalMs = 100;

/** A line of the probe's file. */
export interface HeapSample {
  readonly pid: number;
  readonly atMs: number;
  readonly heapMb: number;
  /** Array buffers, and other memory outside the heap that belongs to objects of the heap. */
  readonly externalMb: number;
}

const path = process.env.LOCKSTEP_BENCH_HEAP;
if (path !== undefined && isMainThread) {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  setInterval(() => {
    collect();
    const { heapUsed, external } = process.memoryUsage();
    const sample: HeapSample = {
      pid: process.pid,
      atMs: Date.now(),
      heapMb: heapUsed / 2 ** 20,
      externalMb: external / 2 ** 20,
    };
    appendFileSync(path, `${JSON.stringify(sample)}\n`);
  }, intervalMs).unref();
}
