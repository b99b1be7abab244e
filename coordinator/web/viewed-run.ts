/**
 * What the web server shows of a run. Two things implement it: the live run of this process (monitor.ts), and a run
 * directory that is read from its files (../view/viewed-directory.ts). The server, the stream of states and the metrics
 * for Prometheus know nothing else of a run.
 *
 * What this is not: a way to change a run. Pausing and the like are in controls.ts, and only a live run has them.
 */
import type { CurveMark } from './curve.js';
import type { ApiErrorCode, RunState } from './state.js';

/** What a viewer has been sent already. */
export interface Mark {
  readonly curve: CurveMark;
  /** Number of the next event. */
  readonly event: number;
}

/** Bytes under a name: the same ETag, the same bytes. */
export interface Edition {
  /** Updates that the weights have seen. */
  readonly step: number;
  readonly etag: string;
  readonly bytes: Uint8Array;
}

/** Why something cannot be had. */
export interface Refusal {
  readonly code: ApiErrorCode;
  /** A sentence for people, without a full stop. */
  readonly message: string;
}

export interface ViewedRun {
  /** The run's name: that of its directory. */
  readonly name: string;
  /** What a viewer has after it was sent everything that is known now. */
  readonly mark: Mark;
  /**
   * All that is known, or, with a mark, what is new since then. `viewers` decides how often each of them may ask for the
   * weights.
   */
  state(viewers: number, since: Mark | null): RunState;
  /** The newest weights, as `weightsHeaderBytes` says. */
  weights(): Promise<Edition | Refusal>;
  /** The same weights as a safetensors file. */
  model(): Promise<Edition | Refusal>;
  /** What the newest evaluation found: an `EvaluationState` as JSON. */
  evaluation(): Promise<Edition | Refusal>;
  /** The path of metrics.jsonl, once the lines of all steps so far are in it. */
  metricsFile(): Promise<string>;
}

export function isRefusal(answer: Edition | Refusal): answer is Refusal {
  return 'code' in answer;
}
