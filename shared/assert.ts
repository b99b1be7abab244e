/** For our own bugs only: a peer's fault is a value with an error code, never an assertion. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`internal error: ${message} (please report this)`);
}
