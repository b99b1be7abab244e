/**
 * Every failure that a user or a peer can meet: a stable code, and a sentence that says what is wrong, where, and what
 * to do. Thrown inside a process; the wire carries the codes of `protocol/errors.ts`.
 */
export class LockstepError extends Error {
  /** `code` is stable: scripts may match on it. `message` is for people, without a stack trace. */
  constructor(
    readonly code: ErrorCode,
    message: string,
  ) {
    super(message);
    this.name = 'LockstepError';
  }
}

export type ErrorCode =
  /** The command line or a configuration file asks for something that cannot be done. Exit code 2. */
  | 'usage'
  /** A model description is malformed. */
  | 'model-invalid'
  /** A data file is missing, unreadable, corrupt, or not what it should be. */
  | 'data-invalid'
  /** The data set is neither on this machine nor could it be downloaded. */
  | 'data-unavailable'
  /** The loss or a gradient left the range of float32 numbers (E5). */
  | 'diverged'
  /** This machine fails the known-answer test (E6): it would compute other weights. */
  | 'arithmetic-wrong'
  /** A worker's wrong gradient has been counted: the weights are not what the configuration determines. */
  | 'weights-wrong'
  /** More memory is needed than the limits allow. */
  | 'out-of-memory'
  /** The user stopped it before it had begun. Exit code 130. */
  | 'interrupted'
  /** The output directory cannot be written. */
  | 'output-unwritable'
  /** The output directory holds another run. */
  | 'output-taken'
  /** A run directory's files are missing or damaged. */
  | 'run-invalid'
  /** Another process works in the run directory. */
  | 'run-locked'
  /** A run was to go on with something that would change its weights. */
  | 'run-differs'
  /** A run was to go on that has nothing left to do. */
  | 'run-finished'
  /** The address to listen on is taken or not allowed. */
  | 'listen-failed'
  /** The coordinator refused this worker, or cannot be reached. */
  | 'connection-refused'
  /** A checkpoint is missing, damaged, or belongs to another run. */
  | 'checkpoint-invalid';
