/**
 * Virtual time. Events happen in the order of their times. Events of the same time happen in the order in which they
 * were scheduled. No real clock, timer or thread takes part, so the same calls make the same course.
 */
import { createHash } from 'node:crypto';

/** An invariant does not hold. */
export class Violation extends Error {}

export function check(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Violation(message);
}

interface Scheduled {
  readonly atMs: number;
  readonly order: number;
  readonly happen: () => void | Promise<void>;
}

export class World {
  nowMs = 0;
  /** Number of events so far. */
  events = 0;
  private readonly queue = new Heap();
  private scheduled = 0;
  private readonly hash = createHash('sha256');
  /** Whether the current event may have left unfinished promises. */
  private isUnsettled = false;
  private failure: { readonly error: unknown } | null = null;

  /** `print` gets every line of the trace. */
  constructor(private readonly print: ((line: string) => void) | null = null) {}

  at(atMs: number, happen: () => void | Promise<void>): void {
    this.queue.push({ atMs: Math.max(atMs, this.nowMs), order: this.scheduled++, happen });
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

/** A binary heap. `pop` returns the earliest event. */
class Heap {
  private readonly items: Scheduled[] = [];

  push(item: Scheduled): void {
    const { items } = this;
    let at = items.push(item) - 1;
    for (let up = (at - 1) >> 1; at > 0 && isEarlier(item, items[up]); up = (at - 1) >> 1) {
      items[at] = items[up];
      at = up;
    }
    items[at] = item;
  }

  pop(): Scheduled | undefined {
    const { items } = this;
    const first = items[0];
    const last = items.pop();
    if (last === undefined || items.length === 0) return last;
    let at = 0;
    for (;;) {
      let down = 2 * at + 1;
      if (down + 1 < items.length && isEarlier(items[down + 1], items[down])) down += 1;
      if (down >= items.length || !isEarlier(items[down], last)) break;
      items[at] = items[down];
      at = down;
    }
    items[at] = last;
    return first;
  }
}

function isEarlier(a: Scheduled, b: Scheduled): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}
