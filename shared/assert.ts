/**
 * Throws if `condition` is false. It is only for bugs of this program: a fault of a peer is a value with an error code.
 * The parts of the message are joined, with spaces between them, only when the assertion fails. A template string would
 * be built at every call, and would often cost more than the check itself.
 */
export function assert(condition: unknown, ...message: unknown[]): asserts condition {
  if (!condition) throw new Error(`internal error: ${message.join(' ')} (please report this)`);
}
