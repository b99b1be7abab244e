/**
 * How V8 collects garbage in this process. Only the command line sets this. The library never changes the engine of the
 * program that imports it.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * Keeps the young generation of the first thread at its initial size. The thread makes little garbage, and all of it is
 * short-lived, but V8 would let it grow to tens of megabytes before it collects. One thread collects the small
 * generation in half a millisecond. Helper threads would have to wait for a core first, so they are switched off.
 *
 * Call this again after each start of a thread, because starting a thread resets the flags.
 */
export function keepYoungGenerationSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
  setFlagsFromString('--no-parallel-scavenge');
}

/** Collects all garbage now. Without the option --expose-gc, this is the only way to ask for it. */
export function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  const collect: () => void = runInNewContext('gc');
  collect();
}
