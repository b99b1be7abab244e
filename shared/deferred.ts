/** A promise that its owner settles later. Settling it a second time changes nothing. */
export class Deferred<T> {
  // Before `promise`: a promise calls its executor at once, and that sets them.
  resolve!: (value: T) => void;
  reject!: (error: Error) => void;
  readonly promise: Promise<T> = new Promise((resolve, reject) => {
    this.resolve = resolve;
    this.reject = reject;
  });
}
