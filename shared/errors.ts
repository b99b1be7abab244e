/**
 * A failure that a user can meet: a stable code, and a sentence that says what is wrong, where, and what to do. It is
 * thrown inside a process.
 *
 * What this is not: an error of the protocol. Messages between processes carry the codes of `protocol/errors.ts`.
 */
export class LockstepError extends Error {
  /** `code` is stable, so scripts may compare it. `message` is for people, who see it without a stack trace. */
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
  /** A data file is missing, unreadable, damaged, or has the wrong content. */
  | 'data-invalid'
  /** The data set is not on this machine and could not be downloaded. */
  | 'data-unavailable'
  /** The loss or a gradient is outside the range of float32 numbers (E5). */
  | 'diverged'
  /** This machine fails the known-answer test (E6), so it would compute other weights. */
  | 'arithmetic-wrong'
  /**
   * A wrong gradient of a worker was added to the sum, so the weights are not those that the configuration determines.
   */
  | 'weights-wrong'
  /** The user asked for native kernels, and this machine cannot build or load them. */
  | 'kernels-unavailable'
  /** The run needs more memory than the limits allow. */
  | 'out-of-memory'
  /** The user stopped the command before the run had begun. Exit code 130. */
  | 'interrupted'
  /** A format that a model is exported to lacks one of its kinds of layers. */
  | 'format-unsupported'
  /** The output directory cannot be written. */
  | 'output-unwritable'
  /** The output directory holds another run. */
  | 'output-taken'
  /** A run directory's files are missing or damaged. */
  | 'run-invalid'
  /** Another process uses the run directory. */
  | 'run-locked'
  /** The user wanted to resume a run with options that would change its weights. */
  | 'run-differs'
  /** The user wanted to resume a run that has no steps left. */
  | 'run-finished'
  /** The address to listen on is in use or not allowed. */
  | 'listen-failed'
  /** The coordinator refused this worker, or cannot be reached. */
  | 'connection-refused'
  /** A checkpoint is missing, damaged, or belongs to another run. */
  | 'checkpoint-invalid'
  /** A file of weights is missing or damaged, or it does not say of which model, or it does not fit the model of a run. */
  | 'weights-invalid'
  /** A picture is missing or damaged, is of a format that cannot be read, or shows nothing. */
  | 'picture-invalid';
