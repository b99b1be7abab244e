/**
 * Carries out the effects of a state machine one after the other. An effect may cause the next event, and that event
 * may cause more effects. Those wait in the queue, so that all effects happen in the order in which they were decided.
 */
export class EffectQueue<Effect> {
  private readonly waiting: Effect[] = [];
  private isDraining = false;

  constructor(private readonly carryOut: (effect: Effect) => void) {}

  /** Adds effects. Returns when the queue is empty. A call from within `carryOut` returns at once. */
  push(effects: readonly Effect[]): void {
    this.waiting.push(...effects);
    if (this.isDraining) return;
    this.isDraining = true;
    try {
      for (let effect = this.waiting.shift(); effect !== undefined; effect = this.waiting.shift()) {
        this.carryOut(effect);
      }
    } finally {
      this.isDraining = false;
    }
  }
}
