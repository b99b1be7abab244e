/**
 * A thread that evaluates recorded weights on their test set. Because it is a thread, neither reading a data set nor
 * computing delays the pages. It keeps the most recently used test sets, and answers requests one after the other.
 */
import { parentPort, workerData } from 'node:worker_threads';
import type { BackendHandOver } from '../../shared/arithmetic/backend.js';
import { openBackend } from '../../shared/arithmetic/backends.js';
import { type Samples, sizeOf } from '../../shared/data/dataset.js';
import { LockstepError } from '../../shared/errors.js';
import { limits } from '../../shared/limits.js';
import { Classifier } from '../../shared/model/classifier.js';
import type { Model } from '../../shared/model/model.js';
import { floatsOf } from '../archive/floats.js';
import { compareAnswers } from '../web/confusion.js';
import type { EvaluationState } from '../web/state.js';
import { findTestSet, type Wanted } from './test-set.js';

export interface ThreadData {
  readonly backend: BackendHandOver;
}

export interface EvaluationRequest {
  readonly id: number;
  readonly model: Model;
  readonly step: number;
  /** Float32 parameters, little-endian. */
  readonly floats: Uint8Array;
  readonly wanted: Wanted;
}

export type EvaluationAnswer =
  | { readonly id: number; readonly evaluation: EvaluationState }
  /** The reason why the data set is not available. */
  | { readonly id: number; readonly fault: string };

const kernels = openBackend((workerData as ThreadData).backend);

/** The sets by SHA-256 of their data set, and by their size in it. The most recently used one is the last. */
const testSets = new Map<string, Samples>();

let last: Promise<void> = Promise.resolve();

parentPort?.on('message', (request: EvaluationRequest) => {
  last = last.then(async () => parentPort?.postMessage(await answer(request)));
});

async function answer(request: EvaluationRequest): Promise<EvaluationAnswer> {
  const { id, wanted } = request;
  try {
    return { id, evaluation: evaluate(request, await testSetOf(wanted)) };
  } catch (error) {
    if (error instanceof LockstepError) return { id, fault: error.message };
    throw error;
  }
}

async function testSetOf(wanted: Wanted): Promise<Samples> {
  const { dataset, set } = wanted;
  const key = `${dataset.sha256} ${set} ${sizeOf(dataset, set)}`;
  const samples = testSets.get(key) ?? (await findTestSet(wanted));
  testSets.delete(key);
  testSets.set(key, samples);
  const [oldest] = testSets.keys();
  if (testSets.size > limits.viewTestSetsMax) testSets.delete(oldest);
  return samples;
}

function evaluate({ model, step, floats, wanted }: EvaluationRequest, test: Samples): EvaluationState {
  const { count, images, labels } = test;
  const classifier = new Classifier(kernels, model);
  classifier.setWeights(step, floatsOf(floats));
  const pixels = images.length / count;
  const imageOf = (index: number) => images.subarray(index * pixels, (index + 1) * pixels);
  const predicted = Uint8Array.from({ length: count }, (_, index) => classifier.answerTo(imageOf(index)));
  return compareAnswers({ set: wanted.set, step, classes: wanted.dataset.classes, labels, predicted, pixels, imageOf });
}
