/** The time of day and timers, handed in so that a simulation has its own. Durations are measured by `Platform.nowMs`. */
export interface Clock {
  /** Milliseconds since 1970. */
  dateMs(): number;
  /** Calls back again and again until the function that it returns is called. Calls that come late are not made up for. */
  every(periodMs: number, call: () => void): () => void;
}

export const nodeClock: Clock = {
  dateMs: () => Date.now(),
  every: (periodMs, call) => {
    const timer = setInterval(call, periodMs);
    return () => clearInterval(timer);
  },
};
