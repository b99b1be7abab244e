/**
 * What a run reports: one union of events, in the order in which they happen. The log, the progress bar, the metrics
 * file and the dashboard are listeners. An event has figures and names; cli/describe.ts makes sentences of them.
 *
 * A listener is called in the middle of the run's work: it must return soon, and must not throw.
 */
import type { EvaluationSet } from '../../shared/data/dataset.js';
import type { ArchiveEvent } from '../archive/archive-event.js';
import type { MetricsLine, Summary } from '../archive/config.js';
import type { NetworkBound } from '../fleet/network-bound.js';
import type { FleetPlan } from './fleet-plan.js';
import type { LiveRun } from './live-run.js';
import type { Score, StepScore, StopReason } from './trainer.js';

export type RunEvent =
  /** A piece of a data file has arrived; the first event of a file has 0 bytes. */
  | {
      readonly type: 'downloading';
      readonly file: string;
      readonly bytes: number;
      readonly bytesTotal: number | null;
    }
  | { readonly type: 'warned'; readonly warning: RunWarning }
  /** What the run has chosen for the devices that are expected. The first event that says something about its weights. */
  | { readonly type: 'planned'; readonly plan: FleetPlan }
  /** The run goes on after `step` steps; `checkpoint` is the file's name, null where the run starts anew. */
  | {
      readonly type: 'resumed';
      readonly step: number;
      readonly checkpoint: string | null;
      readonly directory: string;
    }
  /** Data set, model and directory are there. Nobody computes yet. `history` was recorded by earlier processes. */
  | { readonly type: 'loaded'; readonly run: LiveRun; readonly history: readonly MetricsLine[] }
  /**
   * Workers can join. Training begins when this many have; with 0, it begins now, on this many threads of the coordinator
   * itself.
   */
  | { readonly type: 'waiting'; readonly workersMin: number; readonly threads: number }
  | WorkerJoined
  | WorkerLeft
  /** No worker of this name is admitted from this address any more, until the coordinator is started again. */
  | {
      readonly type: 'banned';
      readonly member: number;
      readonly worker: string;
      readonly address: string;
      readonly reason: string;
    }
  /** A worker left, and this many of its shards go to others. */
  | { readonly type: 're-leased'; readonly member: number; readonly worker: string; readonly shards: number }
  /** There is work and no worker. */
  | { readonly type: 'stranded' }
  /** There are workers again. */
  | { readonly type: 'manned' }
  /** The first step of this process comes next. */
  | { readonly type: 'begun' }
  /** A step is over. The weights in the machine's workspace are those after it. */
  | { readonly type: 'stepped'; readonly line: MetricsLine }
  /**
   * Follows `stepped`. `train` is the mean over the steps since the evaluation before. The evaluation is of the
   * validation set if the run has one, otherwise of the test set; the other one is null.
   */
  | {
      readonly type: 'evaluated';
      readonly line: MetricsLine;
      readonly train: Score;
      /** Mean since the evaluation before. */
      readonly samplesPerSecond: number;
      readonly validation: Score | null;
      readonly test: Score | null;
      readonly epochs: number;
    }
  /** The test set of a run with a validation set was evaluated, once, with the weights that the run ends with. */
  | { readonly type: 'tested'; readonly evaluation: StepScore }
  | ArchiveEvent
  /** The operator asked for something at the dashboard; `member` is the worker that was dropped. */
  | {
      readonly type: 'controlled';
      readonly action: 'pause' | 'resume' | 'checkpoint' | 'stop' | 'drop';
      readonly step: number;
      readonly member: number | null;
    }
  /** No step follows; the model and the summary are not written yet. */
  | {
      readonly type: 'trained';
      readonly reason: StopReason;
      /** Those of this process: a run that was resumed has more. */
      readonly steps: number;
      readonly workers: number;
      /** The coordinator's own. Absent where workers cannot join. */
      readonly threads?: number | undefined;
    }
  /** The last event of a run that has a summary. */
  | { readonly type: 'ended'; readonly reason: StopReason; readonly summary: Summary; readonly directory: string };

export interface WorkerJoined {
  readonly type: 'joined';
  readonly member: number;
  readonly worker: string;
  readonly threads: number;
  /** What computes, in the worker's words. */
  readonly kernels: string;
  /** Now, with this one. */
  readonly workers: number;
}

export interface WorkerLeft {
  readonly type: 'left';
  readonly member: number;
  readonly worker: string;
  /** False for a connection that was never admitted. */
  readonly wasMember: boolean;
  /** Why the coordinator dropped it. Null when the worker left by itself, or its connection broke. */
  readonly reason: string | null;
  /** Now, without this one. */
  readonly workers: number;
}

export type RunWarning =
  /** The wanted data set is not available, and another one is used. */
  | { readonly code: 'dataset-replaced'; readonly message: string }
  /** A step has fewer slots than there are workers and threads of the coordinator itself. */
  | {
      readonly code: 'too-many-workers';
      readonly workers: number;
      readonly threads: number;
      readonly slots: number;
    }
  /** The members compute for less than half of the time of a step, because of the network. Reported once. */
  | { readonly code: 'network-bound'; readonly bound: NetworkBound }
  /** The loss of this set is far above the loss of the first step. */
  | {
      readonly code: 'loss-grows';
      readonly set: EvaluationSet;
      readonly loss: number;
      readonly firstLoss: number;
      readonly rate: number;
    }
  /** The best weights so far are not on the disk, so only later ones can be the best that the run ends with. */
  | { readonly code: 'best-lost' }
  /** A worker computed a part of an evaluation wrongly, and it was counted. */
  | { readonly code: 'evaluation-wrong'; readonly worker: string; readonly step: number };

export type RunListener = (event: RunEvent) => void;
