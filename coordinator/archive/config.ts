/** What a run directory's JSON files hold, and which of it determines the weights. */
import { createHash } from 'node:crypto';
import { canonicalJson, isObject } from '../../shared/canonical-json.js';
import type { Model } from '../../shared/model/model.js';
import type { StopReason } from '../run/trainer.js';
import type { AlarmName } from './alarms.js';

/** The data set of a run: its identity is `sha256`, the rest is for people. */
export interface ConfigDataset {
  readonly name: string;
  readonly sha256: string;
  /** Samples. */
  readonly train: number;
  readonly test: number;
  /** Shape of one sample. */
  readonly shape: readonly number[];
  readonly classes: number;
}

/**
 * Names what a configuration means: the order of the samples, the first weights, the rules of summing and updating.
 * It changes with anything that lets another version of Lockstep come to other weights from the same fields.
 */
export const runFormat = 'lockstep-run-1';

/** `config.json`: what a run was asked to do. Null stands for "not set". */
export interface ConfigFile {
  /** See `runFormat`. */
  readonly format: string;
  /** Of Lockstep. */
  readonly version: string;
  readonly model: Model;
  /** Name of the preset that the model came from. */
  readonly preset: string | null;
  readonly dataset: ConfigDataset;
  /** Directory that the data set was read from; null for MNIST from the cache, and for generated digits. */
  readonly data: string | null;
  readonly batch: number;
  readonly microBatch: number;
  readonly rate: number;
  readonly momentum: number;
  readonly seed: number;
  readonly kernelsSha256: string;
  readonly epochs: number;
  readonly maxSteps: number | null;
  readonly evaluateEvery: 'epoch' | number;
  readonly targetAccuracy: number | null;
  readonly patience: number | null;
}

/** A line of `metrics.jsonl`: one step, and the evaluation after it if there was one. */
export interface MetricsLine {
  /** Updates made so far, so the first line is step 1. */
  readonly step: number;
  readonly epoch: number;
  readonly loss: number;
  readonly trainAccuracy: number;
  readonly testLoss?: number;
  readonly testAccuracy?: number;
  readonly samplesPerSecond: number;
  readonly workers: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  /** With every evaluation. */
  readonly weightsSha256?: string;
  /** What the disk refused to take at this time. */
  readonly alarms?: readonly AlarmName[];
}

/** `summary.json`: how a run ended. */
export interface Summary {
  readonly weightsSha256: string;
  readonly datasetSha256: string;
  readonly kernelsSha256: string;
  readonly version: string;
  /** Of the last evaluation; null if there was none. */
  readonly testAccuracy: number | null;
  readonly testLoss: number | null;
  readonly bestTestAccuracy: number | null;
  readonly steps: number;
  readonly epochs: number;
  readonly seconds: number;
  readonly samplesPerSecond: number;
  readonly stopReason: StopReason;
  /** Where this process took the run up; null if it began it. `seconds` count from there. */
  readonly resumedAtStep: number | null;
  /** Writes that failed; the run directory is nevertheless whole. */
  readonly diskFaults: number;
}

/** A field that determines the weights and is not the same in two configurations. */
export interface Difference {
  /** As in `config.json`, dots between levels. */
  readonly field: string;
  readonly a: unknown;
  readonly b: unknown;
}

/**
 * The part of a configuration that determines the weights after step t. The rest only says how far to go and what to
 * look at on the way, so a resumed run may change it. Descriptions are taken whole: nothing in them is left out.
 */
function determining(config: ConfigFile): Readonly<Record<string, unknown>> {
  const { format, model, dataset, batch, microBatch, rate, momentum, seed, kernelsSha256 } = config;
  const { sha256 } = dataset;
  return { format, model, dataset: { sha256 }, batch, microBatch, rate, momentum, seed, kernelsSha256 };
}

/** The fields in which two runs would train differently. A list differs as a whole. */
export function differences(a: ConfigFile, b: ConfigFile): Difference[] {
  return differencesIn('', determining(a), determining(b));
}

function differencesIn(field: string, a: unknown, b: unknown): Difference[] {
  if (canonicalJson(a) === canonicalJson(b)) return [];
  if (!isObject(a) || !isObject(b)) return [{ field, a, b }];
  const names = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...names].flatMap((name) => differencesIn(field === '' ? name : `${field}.${name}`, a[name], b[name]));
}

/** Equal for two configurations exactly if `differences` finds none. */
export function configSha256(config: ConfigFile): string {
  return createHash('sha256')
    .update(canonicalJson(determining(config)))
    .digest('hex');
}
