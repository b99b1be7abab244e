/** The values of a small run, for tests. */

import type { Snapshot } from '../../../coordinator/archive/checkpoint-file.js';
import type { ConfigFile, MetricsLine, Summary } from '../../../coordinator/archive/config.js';
import { beginning } from '../../../coordinator/run/trainer.js';
import { arithmetic } from '../../../shared/arithmetic/identity.js';
import type { Model } from '../../../shared/model/model.js';
import { parameterCount } from '../../../shared/model/parameters.js';

export const model: Model = { input: [2], layers: [{ dense: 3, activation: 'linear' }], loss: 'softmaxCrossEntropy' };

export const stepsPerEpoch = 5;

export const config: ConfigFile = {
  format: 'lockstep-run-2',
  version: '0.1.0',
  model,
  preset: null,
  dataset: { name: 'digits', sha256: 'a'.repeat(64), train: 60, test: 10, shape: [2], classes: 3 },
  data: null,
  batch: 12,
  microBatch: 4,
  optimizer: { name: 'sgd', rate: 0.1, momentum: 0.9 },
  seed: 1,
  arithmetic,
  epochs: 10,
  maxSteps: null,
  evaluateEvery: 'epoch',
  targetAccuracy: null,
  patience: null,
};

/** A vector of values that differ from step to step. */
export function vector(step: number, salt = 0): Float32Array {
  return Float32Array.from({ length: parameterCount(model) }, (_, i) =>
    Math.fround((step + 1) * 0.37 + i * 1.5 + salt),
  );
}

export function snapshot(step: number, best = false): Snapshot {
  return {
    position: { step, epoch: Math.floor(step / stepsPerEpoch), stepInEpoch: step % stepsPerEpoch },
    weights: vector(step),
    vectors: [vector(step, 100)],
    state: { ...beginning.state, firstLoss: 2.3, bestLoss: 0.25, evaluationsSinceBest: step % 3 },
    best,
  };
}

export function line(step: number): MetricsLine {
  return {
    step,
    epoch: Math.ceil(step / stepsPerEpoch),
    loss: 1 / step,
    trainAccuracy: 0.5,
    samplesPerSecond: 1000,
    workers: 2,
    bytesSent: 10 * step,
    bytesReceived: step,
  };
}

export const summary: Summary = {
  weightsSha256: 'c'.repeat(64),
  weightsStep: 10,
  datasetSha256: config.dataset.sha256,
  arithmetic: config.arithmetic,
  version: config.version,
  testAccuracy: 0.9,
  testLoss: 0.3,
  bestTestAccuracy: 0.9,
  last: { step: 10, loss: 0.3, accuracy: 0.9 },
  best: { step: 10, loss: 0.3, accuracy: 0.9 },
  steps: 10,
  epochs: 2,
  seconds: 1,
  samplesPerSecond: 120,
  stopReason: 'epochs',
  resumedAtStep: null,
  diskFaults: 0,
};

/** A generator of numbers of at least 0 and below 1. The same seed gives the same numbers. */
export function chanceFrom(seed: number): () => number {
  let state = seed * 2654435761 + 1;
  return () => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) | 0;
    return ((state ^ (state >>> 13)) >>> 0) / 2 ** 32;
  };
}
