/** What the files of a run say for the lesson: its evaluations, its weights, and the gradients at its outputs. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { KernelBackend } from '../../shared/arithmetic/backend.js';
import type { Samples } from '../../shared/data/dataset.js';
import { epochShape } from '../../shared/data/order.js';
import { limits } from '../../shared/limits.js';
import { Classifier } from '../../shared/model/classifier.js';
import type { Model } from '../../shared/model/model.js';
import { inputWidth } from '../../shared/model/parameters.js';
import { metricsOf } from '../archive/metrics-log.js';
import { runFileNames } from '../archive/run-directory.js';
import { openFinishedRun } from '../view/finished-run.js';
import type { LessonRun } from './lesson-runs.js';

/** An evaluation of the test set. */
export interface LessonPoint {
  readonly step: number;
  /** Epochs, and parts of one. */
  readonly epoch: number;
  /** Training samples that the steps so far have used. */
  readonly samples: number;
  readonly accuracy: number;
  /** Null if it is no finite number. */
  readonly loss: number | null;
}

export interface MeasuredRun {
  readonly run: LessonRun;
  readonly model: Model;
  readonly weights: Float32Array;
  readonly weightsSha256: string;
  readonly steps: number;
  readonly hasDiverged: boolean;
  readonly evaluations: readonly LessonPoint[];
  /**
   * The mean magnitude of (a - t) a (1 - a) over all outputs a for test images: the gradient of the quadratic cost there.
   * Null for another cost, or if the run has diverged.
   */
  readonly outputGradient: number | null;
}

/** Rejects with `run-invalid`. */
export async function measureRun(
  run: LessonRun,
  directory: string,
  test: Samples,
  backend: KernelBackend,
): Promise<MeasuredRun> {
  const { config, summary, model, weights } = await openFinishedRun(directory, backend);
  const text = await readFile(join(directory, runFileNames.metrics), 'utf8');
  const { train } = config.dataset;
  const { stepsPerEpoch } = epochShape({ ...config, samples: train });
  const evaluations = metricsOf(text).flatMap(({ step, testAccuracy, testLoss }): LessonPoint[] => {
    if (!Number.isFinite(testAccuracy)) return [];
    const inEpoch = Math.min(train, (step % stepsPerEpoch) * config.batch);
    const samples = Math.floor(step / stepsPerEpoch) * train + inEpoch;
    const loss = Number.isFinite(testLoss) ? testLoss! : null;
    return [{ step, epoch: samples / train, samples, accuracy: testAccuracy!, loss }];
  });
  const hasDiverged = summary.stopReason === 'diverged';
  const { weightsSha256, steps } = summary;
  const isKnown = model.loss === 'quadratic' && !hasDiverged;
  const outputGradient = isKnown ? gradientAtOutputs(model, weights, test, backend) : null;
  return { run, model, weights, weightsSha256, steps, hasDiverged, evaluations, outputGradient };
}

/** All outputs are those of sigmoids. */
function gradientAtOutputs(model: Model, weights: Float32Array, test: Samples, backend: KernelBackend): number {
  const classifier = new Classifier(backend, model);
  classifier.setWeights(0, weights);
  const width = inputWidth(model);
  const magnitudes = Array.from({ length: Math.min(limits.textbookImages, test.count) }, (_, n) => {
    const { layers } = classifier.classify(test.images.subarray(n * width, (n + 1) * width));
    const target = (output: number) => (output === test.labels[n] ? 1 : 0);
    return Array.from(layers.at(-1)!, (a, output) => Math.abs((a - target(output)) * a * (1 - a)));
  }).flat();
  return magnitudes.reduce((sum, magnitude) => sum + magnitude, 0) / magnitudes.length;
}
