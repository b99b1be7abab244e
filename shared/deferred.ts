/** A promise that its owner resolves or rejects later. Only the first of these calls has an effect. */
export class Deferred<T> {
  // These two fields are declared before `promise`, because a promise runs its executor at once, and that sets them.
  resolve!: (value: T) => void;
  reject!: (error: Error) => void;
  readonly promise: Promise<T> = new Promise((resolve, reject) => {
    this.resolve = resolve;
    this.reject = reject;
  });
}
