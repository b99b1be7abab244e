/** The runs that the simulated cluster trains, with the expected weights. A step takes microseconds of real time. */

import { weightsSha256 } from '../../coordinator/archive/floats.js';
import type { LoadedDataset } from '../../coordinator/data/load.js';
import type { RunRequest } from '../../coordinator/run/run-request.js';
import { completeSettings } from '../../coordinator/run/settings.js';
import { type RunSetup, setUpRun } from '../../coordinator/run/setup.js';
import { openScalar } from '../../shared/arithmetic/scalar/backend.js';
import { holdOut } from '../../shared/data/dataset.js';
import type { Model } from '../../shared/model/model.js';
import { Random } from '../../shared/random.js';
import { type ReferenceRun, referenceTrain } from '../../shared/reference.js';
import { nodePlatform } from '../../worker/node-platform.js';
import { randomSamples } from '../shared/model/fixture.js';
import { classes, type DrawnRun, drawRun, stepSamples } from './draw.js';
import { check } from './world.js';

export const runPath = '/runs/sim';

export interface Problem {
  readonly request: RunRequest & { readonly model: Model; readonly seed: number };
  readonly setup: RunSetup;
  readonly dataset: LoadedDataset;
  readonly steps: number;
  /** The expected weights hash after each step, from a plain loop over scalar arithmetic. The index is the step. */
  readonly hashes: readonly string[];
}

/** A run whose tensors are sent in two parts. */
const largeRun: DrawnRun = {
  model: {
    input: [4, 4],
    layers: [
      { dense: 1024, activation: 'relu' },
      { dense: classes, activation: 'linear' },
    ],
    loss: 'softmaxCrossEntropy',
  },
  batch: stepSamples,
  microBatch: 8,
  lr: 0.1,
  momentum: 0.9,
  epochs: 2,
  validation: 0,
  keep: 'last',
};

/** An epoch has seven full steps and a smaller one. */
const trainSamplesDrawn = 7 * stepSamples + 9;
/** Steps in an epoch of a run whose steps are all equal. */
export const pacedSteps = 80;
const testSamples = 150;
/** A few steps of virtual time. */
const checkpointEverySeconds = 1;

/** All simulated machines share these. */
export const { backend, sha256 } = nodePlatform();

let large: Problem | null = null;

export function largeProblem(): Problem {
  large ??= make(requestFor(largeRun, 1));
  return large;
}

export function drawnProblem(seed: number): Problem {
  return make(drawnRequest(seed));
}

/** A run of many equal steps, with a model of about this many parameters: to see how long steps take. */
export function pacedProblem(parameters: number): Problem {
  const model: Model = {
    input: [8, 8],
    layers: [
      { dense: Math.round(parameters / (8 * 8 + classes + 1)), activation: 'relu' },
      { dense: classes, activation: 'linear' },
    ],
    loss: 'softmaxCrossEntropy',
  };
  const run: DrawnRun = { ...largeRun, model, microBatch: 2, lr: 0.01, epochs: 3 };
  return make(requestFor(run, 1), pacedSteps * stepSamples);
}

type Request = Problem['request'] & DrawnRun;

export function drawnRequest(seed: number): Request {
  return requestFor(drawRun(new Random(seed, 3)), seed);
}

function requestFor(run: DrawnRun, seed: number): Request {
  return { ...run, seed, out: runPath, checkpointEvery: checkpointEverySeconds };
}

function make(request: Request, trainSamples = trainSamplesDrawn): Problem {
  const { model, epochs, validation, seed } = request;
  const train = randomSamples(model, trainSamples + validation, seed);
  const test = randomSamples(model, testSamples, seed + 1);
  const dataset: LoadedDataset = { name: 'tiny', classes, train, test, sha256: 'd'.repeat(64), directory: null };
  const setup = setUpRun(completeSettings(request, null), dataset, 1000 * checkpointEverySeconds);
  const steps = epochs * setup.plan.stepsPerEpoch;
  const trained = holdOut(train, validation).train;
  const hashes = referenceHashes({ ...setup.run, train: trained }, steps);
  return { request, setup, dataset, steps, hashes };
}

function referenceHashes(run: ReferenceRun, steps: number): string[] {
  const hashes = [''];
  for (const { weights, loss } of referenceTrain(run, openScalar())) {
    check(Number.isFinite(loss), `a run diverges that has no fault: ${JSON.stringify(run.model)}`);
    hashes.push(weightsSha256(weights));
    if (hashes.length > steps) break;
  }
  return hashes;
}
