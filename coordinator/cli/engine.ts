/**
 * How the engine collects garbage in this process. Only a program of its own sets this, here: the library leaves the
 * engine of whoever imports it alone.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * The process's first thread makes little garbage, all of it short-lived. Left alone, the engine lets it pile up to tens
 * of megabytes before it collects. From now on the young generation keeps its size. So small, it is collected in half a
 * millisecond by one thread; with the help of others, it takes as long as they wait for a core.
 *
 * To be called again whenever a thread was started: that sets the flags back.
 */
export function keepYoungGenerationSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
  setFlagsFromString('--no-parallel-scavenge');
}

/** A full collection, now. Node offers it to programs that were started with an option, or in this way. */
export function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  const collect: () => void = runInNewContext('gc');
  collect();
}
