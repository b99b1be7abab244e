/**
 * What viewers of a run are told: the contract between the web server and the dashboard, and what programs read from
 * `/api/state`. This file imports nothing but types, so that the page can import it.
 *
 * `GET /api/events` is a stream of server-sent events; each event is a `RunState` as JSON. Where `complete` is true, as
 * in the first event, `curve` and `events` hold everything that is known. In the other events they hold what is new
 * since the event before, and a reader appends them. `GET /api/state` is always complete.
 */

import type { AugmentDescription } from '../../shared/data/augment.js';
import type { EvaluationSet } from '../../shared/data/dataset.js';
import type { WireBits } from '../../shared/model/coding.js';
import type { Model } from '../../shared/model/model.js';

export type RunPhase =
  /** Waits for workers: for enough of them to begin, or for any worker once training has begun and nobody is left. */
  | 'waiting'
  | 'training'
  | 'paused'
  | 'finished'
  | 'interrupted'
  | 'diverged'
  /** The files of a run that did not end, and that no process works on any more. */
  | 'stale';

export interface RunState {
  /** The version of Lockstep. */
  readonly version: string;
  /** The directory that `lockstep view` reads. Null if the process that trains serves its own state. */
  readonly files: RunFilesState | null;
  /** The run's name, which is the name of its directory. */
  readonly run: string;
  readonly phase: RunPhase;
  /** Number of updates so far, and the number that the run makes if nothing stops it early. */
  readonly step: number;
  readonly stepsPlanned: number;
  /** The epoch from 1, or 0 before the first step. */
  readonly epoch: number;
  readonly epochs: number;
  readonly stepsPerEpoch: number;
  readonly samplesPerSecond: number;
  /** Null when nothing is known about it. */
  readonly secondsLeft: number | null;
  /** The results of the newest step's mini-batch. */
  readonly loss: number | null;
  readonly accuracy: number | null;
  /**
   * The results of the newest evaluation of the test set, and of the final weights once the run has ended. If the run has
   * a validation set, they are null before its end, and the best one is always null.
   */
  readonly testLoss: number | null;
  readonly testAccuracy: number | null;
  readonly bestTestAccuracy: number | null;
  /** The same for the validation set, which is evaluated during the run. Null if the run has none. */
  readonly validationLoss: number | null;
  readonly validationAccuracy: number | null;
  readonly bestValidationAccuracy: number | null;
  /** Hash of the weights after `weightsStep` steps: those of the newest evaluation, or the final ones. */
  readonly weightsSha256: string | null;
  readonly weightsStep: number | null;
  /** The steps of the newest weights and of the newest evaluation that can be requested, or null if there are none. */
  readonly newest: { readonly weights: number | null; readonly evaluation: number | null };
  /** Why there is no evaluation, and what to do about it. Null if there is one, or if one will come. */
  readonly evaluationFault: string | null;
  /** The time of training since the run was begun or resumed. Null until the run has ended. */
  readonly seconds: number | null;
  readonly model: Model;
  readonly dataset: DatasetState;
  readonly batch: number;
  /** Local steps of a slot. Above 1, each step of the run is a round. */
  readonly localSteps: number;
  /** Bits of a number that workers send and receive. */
  readonly wireBits: WireBits;
  /** How the training images are distorted. Null: not at all. */
  readonly augment: AugmentDescription | null;
  /** Slots of a full step. If there are more workers and own threads than slots, some of them have nothing to do. */
  readonly slots: number;
  /** Those that joined, at most `limits.workersShownMax`. In front of them, the coordinator's own threads as one. */
  readonly workers: readonly WorkerState[];
  /** Number of all workers that have joined. */
  readonly workersTotal: number;
  /** Compute threads of the coordinator itself. */
  readonly threads: number;
  /** Whether the run waits for its network, and what to change: a sentence. Null if it does not, or if it is not known. */
  readonly networkBound: string | null;
  /** Training begins when this many workers have joined. */
  readonly workersMin: number;
  /** Mean bytes of a training sample on its way to a worker. Null if workers cannot join. */
  readonly sampleBytes: number | null;
  readonly traffic: { readonly bytesSent: number; readonly bytesReceived: number };
  readonly alarms: readonly Alarm[];
  /** Null if workers cannot join. */
  readonly join: JoinLinks | null;
  readonly complete: boolean;
  readonly events: readonly LoggedEvent[];
  readonly curve: readonly CurvePoint[];
  /** How long to wait between two requests for the weights: longer with more viewers. */
  readonly weightsEveryMs: number;
  /** Milliseconds since 1970, by the server's clock; `startedAt` is null until the first step has begun. */
  readonly startedAt: number | null;
  readonly now: number;
}

/** A run directory that is read while another process may be writing it. */
export interface RunFilesState {
  /** The path as the viewer's command line names it. */
  readonly path: string;
  /** The process that works on the run, from its lock, such as "process 4711 on HOST". Null if there is none. */
  readonly writer: string | null;
  /** Number of runs that this viewer shows. If there are several, the page two levels up compares them. */
  readonly runs: number;
}

export interface DatasetState {
  readonly name: string;
  /** The shape of one sample, such as [28, 28]. */
  readonly shape: readonly number[];
  readonly classes: number;
  /** The names of the classes, in the order of the labels. Absent where the labels themselves are the names. */
  readonly classNames?: readonly string[];
  readonly train: number;
  /** Training samples that are held out. Absent if there are none. */
  readonly validation?: number | undefined;
  readonly test: number;
}

export interface WorkerState {
  readonly member: number;
  /** Whether these are threads of the coordinator itself. They cannot be dropped. */
  readonly own: boolean;
  readonly name: string;
  readonly kind: string;
  readonly threads: number;
  /** The kernels in the worker's words, such as "webassembly 1f3a5c7d9e2b". */
  readonly kernels: string;
  /** The present speed, or 0 until it was measured. */
  readonly samplesPerSecond: number;
  /** Number of shards that were used, and of copies of late shards that equalled another worker's. */
  readonly shards: number;
  readonly copiesAgreed: number;
  readonly roundTripMs: number | null;
  /** On the network, by this worker alone: what the coordinator sent to it and received from it. */
  readonly bytesSent: number;
  readonly bytesReceived: number;
  /** A spare is idle because the last steps were made without it. */
  readonly state: 'computing' | 'idle' | 'spare';
  readonly joinedAt: number;
}

export interface Alarm {
  readonly at: number;
  readonly text: string;
}

/** How others join. The texts do not contain the token. A viewer who knows the token appends `#TOKEN`. */
export interface JoinLinks {
  /** The address of the join page. */
  readonly url: string;
  /** The command for a terminal. It ends with the address. */
  readonly command: string;
  readonly needsToken: boolean;
}

export type EventKind =
  | 'joined'
  | 'left'
  | 'dropped'
  | 're-leased'
  | 'evaluated'
  | 'checkpoint'
  | 'paused'
  | 'resumed'
  | 'started'
  | 'ended';

export interface LoggedEvent {
  /** Each event has a higher number than the one before. */
  readonly id: number;
  readonly at: number;
  readonly kind: EventKind;
  readonly text: string;
}

/** One step, or the mean of several in a row. */
export interface CurvePoint {
  /** The step that was evaluated, or the last one. */
  readonly step: number;
  readonly loss: number;
  readonly accuracy: number;
  /** The evaluation after this step: of the validation set if the run has one, otherwise of the test set. */
  readonly validationLoss?: number;
  readonly validationAccuracy?: number;
  readonly testLoss?: number;
  readonly testAccuracy?: number;
}

/** `GET /api/evaluation`: the results of the newest evaluation. */
export interface EvaluationState {
  /** During a run with a validation set, it is this one. */
  readonly set: EvaluationSet;
  /** Number of updates before the evaluation. */
  readonly step: number;
  readonly samples: number;
  readonly correct: number;
  /** `confusion[label][predicted]` is a number of samples of the set. */
  readonly confusion: readonly (readonly number[])[];
  /** The first misclassified images, at most `limits.misclassifiedMax`. There are `samples - correct` in all. */
  readonly misclassified: readonly Misclassified[];
}

export interface Misclassified {
  /** The index in the set. */
  readonly index: number;
  readonly label: number;
  readonly predicted: number;
  /** The image's bytes, row by row, in base64. */
  readonly pixels: string;
}

/**
 * `GET /api/weights`: little-endian; uint32 step, uint32 count of parameters, then as many float32, in the order of
 * shared/model/parameters.ts. Its ETag changes with the step.
 */
export const weightsHeaderBytes = 8;

/** `POST /api/control/ACTION`, with the operator's token. `drop` takes a `DropRequest` as its JSON body. */
export type ControlAction = 'pause' | 'resume' | 'checkpoint' | 'stop' | 'drop';

export interface DropRequest {
  readonly member: number;
}

/** The body of every refusal. */
export interface ApiError {
  readonly error: { readonly code: ApiErrorCode; readonly message: string };
}

export type ApiErrorCode =
  | 'bad-request'
  | 'token-wrong'
  | 'operator-only'
  | 'forbidden'
  | 'not-found'
  | 'method-not-allowed'
  | 'too-large'
  | 'busy'
  | 'not-ready'
  | 'conflict'
  | 'internal';

/** `GET /api/comparison` of a viewer of several runs: their curves and their differences. */
export interface ComparisonState {
  readonly runs: readonly ComparedRun[];
  /** The fields of config.json in which the runs differ. */
  readonly fields: readonly ComparedField[];
}

/** One of the runs, or a directory that could not be read. */
export interface ComparedRun {
  /** Its dashboard is at `runs/ID/`. */
  readonly id: number;
  /** The directory's name, or its path if several directories have the same name. */
  readonly name: string;
  /** The reason why the run cannot be shown, or null if it can. */
  readonly fault: string | null;
  /** Null if there is a fault. */
  readonly result: ComparedResult | null;
}

export interface ComparedResult
  extends Pick<
    RunState,
    | 'phase'
    | 'step'
    | 'stepsPlanned'
    | 'localSteps'
    | 'testAccuracy'
    | 'bestTestAccuracy'
    | 'testLoss'
    | 'validationLoss'
    | 'validationAccuracy'
    | 'bestValidationAccuracy'
    | 'seconds'
    | 'weightsSha256'
    | 'weightsStep'
  > {
  /** The evaluations, in ascending steps. */
  readonly curve: readonly CurvePoint[];
}

export interface ComparedField {
  /** The name in config.json, with dots between levels. */
  readonly field: string;
  /** The value of each run as text for people. Null if the run has a fault or lacks the field. */
  readonly values: readonly (string | null)[];
}
