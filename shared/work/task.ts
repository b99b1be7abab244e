import type { WorkName } from './kinds.js';

/** What is to be summed, and where in the run it belongs. */
export interface Task {
  readonly work: WorkName;
  /** Number of updates that made the weights. */
  readonly step: number;
  /** Place in the order of training; both 0 for a kind that has no place there. */
  readonly epoch: number;
  readonly stepInEpoch: number;
}
