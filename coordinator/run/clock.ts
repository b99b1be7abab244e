/** The time of day, and timers. A simulation hands in its own. `Platform.nowMs` measures durations. */
export interface Clock {
  /** Milliseconds since 1970. */
  dateMs(): number;
  /** Calls `call` once every period. Returns a function that stops this. A call that comes too late is not repeated. */
  every(periodMs: number, call: () => void): () => void;
}

export const nodeClock: Clock = {
  dateMs: () => Date.now(),
  every: (periodMs, call) => {
    const timer = setInterval(call, periodMs);
    return () => clearInterval(timer);
  },
};
