/**
 * Carries out the effects of a state machine one after the other. Carrying out one may bring the next event, and with
 * it more effects: those wait in line, so that all of them happen in the order in which they were decided.
 */
export class EffectQueue<Effect> {
  private readonly waiting: Effect[] = [];
  private isDraining = false;

  constructor(private readonly carryOut: (effect: Effect) => void) {}

  /** Returns when the line is empty, or at once when called from within `carryOut`. */
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
