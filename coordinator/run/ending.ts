/**
 * How a run ends before it is done: the user interrupts it, it diverges, or something fails. The first cause counts.
 * A cause may be reported here at any time, also before training exists. The training looks here before it begins.
 */
export type Cause =
  | { readonly type: 'interrupted' }
  /** A gradient left the range of float32 numbers (E5). */
  | { readonly type: 'diverged' }
  | { readonly type: 'failed'; readonly error: Error };

export class Ending {
  private readonly listeners: ((cause: Cause) => void)[] = [];
  private cause_: Cause | null = null;

  /** `wish` is aborted when the user wants the run to end. */
  constructor(wish: AbortSignal) {
    if (wish.aborted) this.interrupt();
    else wish.addEventListener('abort', () => this.interrupt(), { once: true });
  }

  /** Null while no cause was reported. */
  get cause(): Cause | null {
    return this.cause_;
  }

  interrupt(): void {
    this.decide({ type: 'interrupted' });
  }

  diverged(): void {
    this.decide({ type: 'diverged' });
  }

  failed(error: Error): void {
    this.decide({ type: 'failed', error });
  }

  /** Calls `listener` once: when a cause is reported, or at once if one was reported before. */
  whenDecided(listener: (cause: Cause) => void): void {
    if (this.cause_ === null) this.listeners.push(listener);
    else listener(this.cause_);
  }

  private decide(cause: Cause): void {
    if (this.cause_ !== null) return;
    this.cause_ = cause;
    for (const listener of this.listeners.splice(0)) listener(cause);
  }
}
