/**
 * Virtual time. Events happen in the order of their times. Events of the same time happen in the order in which they
 * were scheduled. No real clock, timer or thread takes part, so the same calls make the same course.
 */
import { createHash } from 'node:crypto';
import { EventQueue } from './event-queue.js';

/** An invariant does not hold. */
export class Violation extends Error {}

export function check(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Violation(message);
}

export class World {
  nowMs = 0;
  /** Number of events so far. */
  events = 0;
  private readonly queue = new EventQueue<() => void | Promise<void>>();
  private readonly hash = createHash('sha256');
  /** Whether the current event may have left unfinished promises. */
  private isUnsettled = false;
  private failure: { readonly error: unknown } | null = null;

  /** `print` gets every line of the trace. */
  constructor(private readonly print: ((line: string) => void) | null = null) {}

  at(atMs: number, happen: () => void | Promise<void>): void {
    this.queue.push(Math.max(atMs, this.nowMs), happen);
  }

  /** Watches background work. If it rejects, `run` rejects with the same error. */
  watch(promise: Promise<unknown>): void {
    promise.catch((error: unknown) => {
      this.failure ??= { error };
    });
  }

  /** Call this in every event that runs code with promises. The next event then waits for them. */
  unsettle(): void {
    this.isUnsettled = true;
  }

  /** Adds a line to the trace. */
  note(text: string): void {
    const line = `${this.nowMs.toFixed(3)} ${text}`;
    this.hash.update(line);
    this.print?.(line);
  }

  /** Ends the trace, and returns the hash of all its lines. */
  traceHash(): string {
    return this.hash.digest('hex');
  }

  /** Makes events happen until `isOver` returns true, or until no event is left. */
  async run(isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      const next = this.queue.pop();
      if (next === undefined) return;
      this.nowMs = next.atMs;
      this.events += 1;
      const happening = next.happen();
      if (happening !== undefined) await happening;
      if (this.isUnsettled) await settled();
      this.isUnsettled = false;
      if (this.failure !== null) throw this.failure.error;
    }
  }
}

/** Resolves after one turn of the event loop. By then, promises that wait only for other promises have settled. */
function settled(): Promise<void> {
  return new Promise(setImmediate);
}
