/** The runs that the simulated cluster trains, with the expected weights. A step takes microseconds of real time. */

import { weightsSha256 } from '../../coordinator/archive/floats.js';
import type { LoadedDataset } from '../../coordinator/data/load.js';
import type { RunRequest } from '../../coordinator/run/run-request.js';
import { completeSettings } from '../../coordinator/run/settings.js';
import { type RunSetup, setUpRun } from '../../coordinator/run/setup.js';
import type { Keep } from '../../coordinator/run/trainer.js';
import type { GivenUpdate } from '../../coordinator/run/update-settings.js';
import { openScalar } from '../../shared/arithmetic/scalar/backend.js';
import type { AugmentDescription } from '../../shared/data/augment.js';
import { holdOut } from '../../shared/data/dataset.js';
import type { Model } from '../../shared/model/model.js';
import { type ReferenceRun, referenceTrain } from '../../shared/reference.js';
import { nodePlatform } from '../../worker/node-platform.js';
import { randomSamples } from '../shared/model/fixture.js';

export const runPath = '/runs/sim';

export interface Problem {
  readonly request: RunRequest;
  readonly setup: RunSetup;
  readonly dataset: LoadedDataset;
  readonly steps: number;
  /** The expected weights hash after each step, from a plain loop over scalar arithmetic. The index is the step. */
  readonly hashes: readonly string[];
}

interface Shape {
  /** The layers before the last one. */
  readonly layers: Model['layers'];
  readonly microBatch: number;
  /** How the weights are updated, and what for. */
  readonly update: GivenUpdate & Pick<RunRequest, 'clip' | 'labelSmoothing'>;
  readonly epochs: number;
  readonly augment?: AugmentDescription;
  /** Samples that are held out, beside those that it trains on. */
  readonly validation?: number;
  readonly keep?: Keep;
}

const augment = { shift: 1, rotate: 20, scale: 0.1, elastic: 0.7 };
const dense = (width: number) => ({ dense: width, activation: 'relu' }) as const;

/** Adam, with everything that shapes an update. */
const shaped = { optimizer: 'adam', schedule: 'one-cycle', clip: 0.5, labelSmoothing: 0.1 } as const;

/**
 * Runs with few and many slots, with and without momentum, with distorted images, with layers of all kinds, with a validation set, with the
 * best weights at the end, and one whose tensors are sent in two parts. A model has 150 parameters or more: the room for
 * frames on a simulated line grows with the model.
 */
const shapes: readonly Shape[] = [
  { layers: [dense(8)], microBatch: 4, update: { momentum: 0.9 }, epochs: 6, augment },
  { layers: [dense(8)], microBatch: 2, update: { momentum: 0 }, epochs: 6, validation: 70, keep: 'best' },
  { layers: [dense(8)], microBatch: 1, update: shaped, epochs: 4, keep: 'best' },
  {
    layers: [
      { conv2d: 3, kernel: 2, activation: 'linear' },
      { batchNorm: 1e-5, activation: 'relu' },
      { maxPool: 2, stride: 1 },
      { dropout: 0.25 },
      { flatten: true },
      dense(12),
    ],
    microBatch: 4,
    update: { momentum: 0.9 },
    epochs: 4,
  },
  {
    layers: [{ averagePool: 2 }, { leakyRelu: 0.1 }, { batchNorm: 1e-3 }, { globalAveragePool: true }, dense(32)],
    microBatch: 2,
    update: { momentum: 0.9 },
    epochs: 4,
  },
  { layers: [dense(1024)], microBatch: 8, update: { momentum: 0.9 }, epochs: 2 },
];

export const problemCount = shapes.length;

/** An epoch has seven full steps and a smaller one. */
const trainSamples = 7 * 32 + 9;
const testSamples = 150;
const batch = 32;
const rate = 0.1;
/** A few steps of virtual time. */
const checkpointEverySeconds = 1;

/** All simulated machines share these. */
export const { backend, sha256 } = nodePlatform();

const made = new Map<number, Problem>();

export function problem(number: number): Problem {
  const known = made.get(number) ?? make(shapes[number], number + 1);
  made.set(number, known);
  return known;
}

function make(shape: Shape, seed: number): Problem {
  const { layers, microBatch, update, epochs, augment, validation = 0, keep = 'last' } = shape;
  const last = { dense: 4, activation: 'linear' } as const;
  const model: Model = { input: [4, 4], layers: [...layers, last], loss: 'softmaxCrossEntropy' };
  const train = randomSamples(model, trainSamples + validation, seed);
  const test = randomSamples(model, testSamples, seed + 100);
  const dataset: LoadedDataset = { name: 'tiny', classes: 4, train, test, sha256: 'd'.repeat(64), directory: null };
  const request: RunRequest = {
    model,
    epochs,
    batch,
    microBatch,
    lr: rate,
    ...update,
    seed,
    validation,
    keep,
    augment,
    out: runPath,
    checkpointEvery: checkpointEverySeconds,
  };
  const setup = setUpRun(completeSettings(request, null), dataset, 1000 * checkpointEverySeconds);
  const steps = epochs * setup.plan.stepsPerEpoch;
  const trained = holdOut(train, validation).train;
  const hashes = referenceHashes({ ...setup.run, train: trained, optimizer: setup.config.optimizer }, steps);
  return { request, setup, dataset, steps, hashes };
}

function referenceHashes(run: ReferenceRun, steps: number): string[] {
  const hashes = [''];
  for (const { weights } of referenceTrain(run, openScalar())) {
    hashes.push(weightsSha256(weights));
    if (hashes.length > steps) break;
  }
  return hashes;
}
