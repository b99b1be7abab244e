/**
 * Measures how a machine's own thread spends its time. Phases may be nested. Each moment counts only for the innermost
 * phase.
 */
export type Phase = keyof typeof phases;

/** Every phase, and a description of it for people. */
export const phases = {
  compute: 'forward and backward passes on this thread',
  watch: "looking at the threads' progress",
  sum: 'adding partial sums along the tree',
  check: 'whether every number is finite',
  update: 'the optimizer, and what follows from new weights',
  encode: 'making frames of weights and samples',
  send: 'handing frames to the sockets',
  receive: 'decoding and checking frames, and copying sums out of them',
  record: 'metrics and log',
} as const;

export interface Profile {
  enter(phase: Phase): void;
  leave(): void;
}

/** A profile that measures nothing. */
export const noProfile: Profile = { enter() {}, leave() {} };

export class PhaseProfile implements Profile {
  private readonly ms = new Map<Phase, number>(Object.keys(phases).map((phase) => [phase as Phase, 0]));
  private readonly entered: Phase[] = [];
  private sinceMs: number;
  private readonly startMs: number;

  constructor(private readonly nowMs: () => number) {
    this.startMs = nowMs();
    this.sinceMs = this.startMs;
  }

  enter(phase: Phase): void {
    this.count();
    this.entered.push(phase);
  }

  leave(): void {
    this.count();
    this.entered.pop();
  }

  /** Milliseconds of each phase so far. `rest` is all other time: the event loop, and waiting. */
  get report(): Readonly<Record<Phase | 'rest', number>> {
    const measured = Object.fromEntries(this.ms) as Record<Phase, number>;
    const sum = Object.values(measured).reduce((a, b) => a + b, 0);
    return { ...measured, rest: this.nowMs() - this.startMs - sum };
  }

  private count(): void {
    const now = this.nowMs();
    const phase = this.entered[this.entered.length - 1];
    if (phase !== undefined) this.ms.set(phase, (this.ms.get(phase) ?? 0) + now - this.sinceMs);
    this.sinceMs = now;
  }
}
