/**
 * A copy of the best weights of a run that ends with them. It is in memory, because the disk may have refused their
 * checkpoint.
 */
export class BestWeights {
  private step: number | null = null;
  private weights = new Float32Array();

  /** Copies the weights after `step` updates, which are the best so far. */
  become(step: number, weights: Float32Array): void {
    if (this.weights.length !== weights.length) this.weights = new Float32Array(weights.length);
    this.weights.set(weights);
    this.step = step;
  }

  /** The weights after `step` updates if they are the best, otherwise null. */
  at(step: number): Float32Array | null {
    return this.step === step ? this.weights : null;
  }
}
