/** Events in the order of their times. Events of the same time keep the order in which they were pushed. */

interface Scheduled<T> {
  readonly atMs: number;
  readonly order: number;
  readonly happen: T;
}

/** A binary heap. `pop` returns the earliest event. */
export class EventQueue<T> {
  private readonly items: Scheduled<T>[] = [];
  private pushed = 0;

  push(atMs: number, happen: T): void {
    const { items } = this;
    const item = { atMs, order: this.pushed++, happen };
    let at = items.push(item) - 1;
    for (let up = (at - 1) >> 1; at > 0 && isEarlier(item, items[up]); up = (at - 1) >> 1) {
      items[at] = items[up];
      at = up;
    }
    items[at] = item;
  }

  pop(): Scheduled<T> | undefined {
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

function isEarlier(a: Scheduled<unknown>, b: Scheduled<unknown>): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}
