/** Lets some tabs sleep at any time, each in its turn. */
import type { Tab } from './tab.js';

export class Sleepers {
  private readonly awake: Tab[] = [];
  private readonly sleeping: Tab[] = [];
  private readonly timer: NodeJS.Timeout;

  /** `count` tabs sleep at a time, each for `sleepMs`. */
  constructor(
    private readonly count: number,
    sleepMs: number,
  ) {
    this.timer = setInterval(() => this.turn(), sleepMs / Math.max(1, count));
  }

  /** From now on, this tab sleeps now and then. */
  add(tab: Tab): void {
    this.awake.push(tab);
  }

  stop(): void {
    clearInterval(this.timer);
    for (const tab of this.sleeping.splice(0)) tab.thaw();
  }

  private turn(): void {
    // The first tabs must not be all of the class that sleeps.
    if (this.count === 0 || this.awake.length <= this.count) return;
    const next = this.awake.shift()!;
    next.freeze();
    this.sleeping.push(next);
    if (this.sleeping.length <= this.count) return;
    const woken = this.sleeping.shift()!;
    woken.thaw();
    this.awake.push(woken);
  }
}
