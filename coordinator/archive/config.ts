/** The contents of a run directory's JSON files, and the part of them that determines the weights. */
import { createHash } from 'node:crypto';
import type { Arithmetic } from '../../shared/arithmetic/identity.js';
import { canonicalJson, isObject } from '../../shared/canonical-json.js';
import type { AugmentDescription } from '../../shared/data/augment.js';
import type { WireBits } from '../../shared/model/coding.js';
import type { Model } from '../../shared/model/model.js';
import type { OptimizerDescription } from '../../shared/optimizer/optimizers.js';
import type { RoundsDescription } from '../../shared/optimizer/rounds.js';
import { knowsEnd, type ScheduleDescription } from '../../shared/optimizer/schedule.js';
import type { Keep, StepScore, StopReason } from '../run/trainer.js';
import type { AlarmName } from './alarms.js';

/** The data set of a run. `sha256` identifies it. The other fields are information for people. */
export interface ConfigDataset {
  readonly name: string;
  readonly sha256: string;
  /** Number of samples that the run trains on. */
  readonly train: number;
  /** Number of training samples that are held out, the last ones of the files. Absent if there are none. */
  readonly validation?: number | undefined;
  readonly test: number;
  /** Shape of one sample. */
  readonly shape: readonly number[];
  readonly classes: number;
  /** The names of the classes, in the order of the labels. Absent where the labels themselves are the names. */
  readonly classNames?: readonly string[];
}

/**
 * The name of the rules by which a configuration becomes weights: the order of the samples, the first weights, the
 * order of summing, the update. When a version of Lockstep gets other weights from the same fields, this name must
 * change.
 */
export const runFormat = 'lockstep-run-2';

/** First weights that come from a file. Their hash identifies them, in whatever file they are. */
export interface ConfigInit {
  readonly file: string;
  readonly weightsSha256: string;
}

/**
 * `config.json`: what a run has to do. Null means "not set". Fields that came later are absent where they are not set, so
 * that older configurations mean what they meant.
 */
export interface ConfigFile {
  /** See `runFormat`. */
  readonly format: string;
  /** The version of Lockstep. */
  readonly version: string;
  readonly model: Model;
  /** Name of the preset that described the model, or null. */
  readonly preset: string | null;
  readonly dataset: ConfigDataset;
  /** The directory that the user named for the data set. Null for a published one from the cache, and for generated digits. */
  readonly data: string | null;
  /** Samples of a step, or of a round. */
  readonly batch: number;
  readonly microBatch: number;
  /** Local rounds: a step of the run is a round. Absent: it is an ordinary step. */
  readonly rounds?: RoundsDescription;
  /** In a run of rounds, this, the schedule and the clipping are those of the local steps. */
  readonly optimizer: OptimizerDescription;
  /** How the rate changes from step to step. Absent: it does not. */
  readonly schedule?: ScheduleDescription;
  /** The largest norm of a step's mean gradient. Absent: no limit. */
  readonly clip?: number;
  /** Label smoothing. Absent: none. */
  readonly smoothing?: number;
  /** Bits of a number on the wire, for which gradients and updates are quantised. Absent: 32, and nothing is. */
  readonly wireBits?: WireBits;
  readonly seed: number;
  /** How the training images are distorted. Absent: not at all. */
  readonly augment?: AugmentDescription;
  /** Absent if the seed makes the first weights. */
  readonly init?: ConfigInit | undefined;
  /** The arithmetic: its specification and its known answer. The binary of the kernels does not matter. */
  readonly arithmetic: Arithmetic;
  readonly epochs: number;
  readonly maxSteps: number | null;
  readonly evaluateEvery: 'epoch' | number;
  readonly targetAccuracy: number | null;
  readonly patience: number | null;
  /** Absent if the run ends with its last weights. */
  readonly keep?: Keep | undefined;
}

/** A line of `metrics.jsonl`: the figures of one step, and of the evaluation after it if there was one. */
export interface MetricsLine {
  /** Number of updates made so far. The first line has step 1. */
  readonly step: number;
  readonly epoch: number;
  readonly loss: number;
  readonly trainAccuracy: number;
  /** In a run with a validation set, its evaluations are here, and none of the test set. */
  readonly validationLoss?: number;
  readonly validationAccuracy?: number;
  /** The learning rate of the step, with 6 digits, where a schedule changes it. */
  readonly rate?: number;
  readonly testLoss?: number;
  readonly testAccuracy?: number;
  readonly samplesPerSecond: number;
  /** Workers that have joined; of `train`, its threads. */
  readonly workers: number;
  /** Compute threads of the coordinator itself. Absent if it has none. */
  readonly threads?: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  /** Present in lines with an evaluation. */
  readonly weightsSha256?: string;
  /** The disk alarms that were raised at this time. */
  readonly alarms?: readonly AlarmName[];
}

/** `summary.json`: how a run ended. */
export interface Summary {
  /** The weights that the run ended with, and the number of updates that made them. */
  readonly weightsSha256: string;
  readonly weightsStep: number;
  readonly datasetSha256: string;
  readonly arithmetic: Arithmetic;
  readonly version: string;
  /** The results of these weights, or of the last evaluation before them; null if there was none. */
  readonly testAccuracy: number | null;
  readonly testLoss: number | null;
  /** The highest accuracy of an evaluation during the run. Null if a validation set was evaluated instead. */
  readonly bestTestAccuracy: number | null;
  /** The same for the validation set. Absent if the run has none. */
  readonly validationAccuracy?: number | null;
  readonly validationLoss?: number | null;
  readonly bestValidationAccuracy?: number | null;
  /** The last evaluation during the run, and the one with the lowest loss, of the validation set if there is one. */
  readonly last: StepScore | null;
  readonly best: StepScore | null;
  readonly steps: number;
  readonly epochs: number;
  readonly seconds: number;
  readonly samplesPerSecond: number;
  readonly stopReason: StopReason;
  /** The step at which this process resumed the run, or null if it started the run. `seconds` count from that step. */
  readonly resumedAtStep: number | null;
  /** Number of failed writes. The run directory is complete in spite of them. */
  readonly diskFaults: number;
}

/** A field that influences the weights and differs between two configurations. */
export interface Difference {
  /** Path of the field in `config.json`, with dots between levels. */
  readonly field: string;
  readonly a: unknown;
  readonly b: unknown;
}

/**
 * The part of a configuration that determines the weights after step t. The other fields only say when to stop and what
 * to measure, so a resumed run may change them. The model and the optimizer are compared with all their fields. The number
 * of epochs counts if the rates of the schedule depend on it.
 */
function determining(config: ConfigFile): Readonly<Record<string, unknown>> {
  const { format, model, dataset, batch, microBatch, optimizer, seed, augment, init, arithmetic } = config;
  const { schedule, clip, smoothing, rounds, wireBits } = config;
  const { sha256, validation } = dataset;
  // What is undefined is left out of the hash, so that runs without it have the hash that they had before it existed.
  const data = { sha256, validation };
  const first = init?.weightsSha256;
  const epochs = schedule !== undefined && knowsEnd(schedule) ? config.epochs : undefined;
  const update = { rounds, optimizer, schedule, epochs, clip, smoothing, wireBits };
  return { format, model, dataset: data, batch, microBatch, ...update, seed, augment, init: first, arithmetic };
}

/** Finds the fields that make two runs train differently. A list that differs in one element is one difference. */
export function differences(a: ConfigFile, b: ConfigFile): Difference[] {
  return differencesIn('', determining(a), determining(b));
}

function differencesIn(field: string, a: unknown, b: unknown): Difference[] {
  if (canonicalJson(a) === canonicalJson(b)) return [];
  if (!isObject(a) || !isObject(b)) return [{ field, a, b }];
  const names = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...names].flatMap((name) => differencesIn(field === '' ? name : `${field}.${name}`, a[name], b[name]));
}

/** A hash that is equal for two configurations exactly if `differences` finds no difference. */
export function configSha256(config: ConfigFile): string {
  return createHash('sha256')
    .update(canonicalJson(determining(config)))
    .digest('hex');
}
