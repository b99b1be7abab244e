/**
 * Loaded into a process of Lockstep by `node --import`: writes down, every so often, how much of its heap is alive.
 * What is alive is what is left after a collection, so it asks for one each time. The program knows nothing of it.
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
  /** Array buffers and what else the heap holds outside of itself. */
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
