/**
 * For our own bugs only: a peer's fault is a value with an error code, never an assertion. The message is put together
 * of its parts, with spaces between them, when it is needed: a template would be made each time, and costs more than
 * most of what is asserted about.
 */
export function assert(condition: unknown, ...message: unknown[]): asserts condition {
  if (!condition) throw new Error(`internal error: ${message.join(' ')} (please report this)`);
}
