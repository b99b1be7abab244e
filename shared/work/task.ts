/** A piece of work as all of them name it: what is to be summed, and where in the run it belongs. */

/** What is to be summed: a step of training at its place in the order, or an evaluation of the test set. */
export interface Task {
  readonly work: 'gradient' | 'evaluation';
  /** Updates that the weights have seen. */
  readonly step: number;
  /** Place in the order; both 0 for an evaluation. */
  readonly epoch: number;
  readonly stepInEpoch: number;
}
