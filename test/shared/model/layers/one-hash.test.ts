/** Models with every layer: their weights have the same bits on every backend, and with any number of threads. */
import { createHash } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import type { KernelBackend } from '../../../../shared/arithmetic/backend.js';
import { Machine } from '../../../../shared/compute/machine.js';
import { storeSamples } from '../../../../shared/compute/samples.js';
import { SampleOrder } from '../../../../shared/data/order.js';
import { initialWeights } from '../../../../shared/model/initialise.js';
import type { Model } from '../../../../shared/model/model.js';
import { rootShard } from '../../../../shared/pool/tree.js';
import { type ReferenceRun, referenceTrain } from '../../../../shared/reference.js';
import { nodePlatform } from '../../../../worker/node-platform.js';
import { backendsUnderTest, scalar } from '../../arithmetic/backends.js';
import { randomSamples } from '../fixture.js';

const modelOf = (input: Model['input'], ...layers: Model['layers']): Model => ({
  input,
  layers: [...layers, { dense: 4, activation: 'linear' }],
  loss: 'softmaxCrossEntropy',
});

const models: [string, Model][] = [
  [
    'convolutions',
    modelOf(
      [9, 8],
      { conv2d: 5, kernel: 3, padding: 1, activation: 'linear' },
      { batchNorm: 1e-5 },
      { maxPool: 2, activation: 'relu' },
      { conv2d: 6, kernel: 3, stride: 2, padding: 1, activation: 'tanh' },
      { averagePool: 2 },
      { dropout: 0.1 },
    ),
  ],
  [
    'max pooling',
    modelOf([7, 6], { batchNorm: 1e-5, activation: 'relu' }, { maxPool: 3, stride: 2, activation: 'tanh' }),
  ],
  ['average pooling', modelOf([7, 6, 2], { averagePool: 2, activation: 'sigmoid' }, { batchNorm: 0.1 })],
  ['global average pooling', modelOf([6, 5, 3], { batchNorm: 1e-3 }, { globalAveragePool: true }, { leakyRelu: 0.1 })],
  [
    'dropout and flatten',
    modelOf([5, 4], { dense: 11, activation: 'tanh' }, { dropout: 0.25 }, { batchNorm: 1e-5 }, { flatten: true }),
  ],
];

const samples = 90;
const steps = 7;

/** Steps of 40, 40 and 10 samples. A full step has five slots, and the last slot of the short step is not full. */
function runOf(model: Model): ReferenceRun {
  const optimizer = { name: 'sgd', rate: 0.1, momentum: 0.9 } as const;
  return { model, train: randomSamples(model, samples, 1), batch: 40, microBatch: 8, seed: 1, optimizer };
}

const hashOf = (weights: Float32Array) =>
  createHash('sha256')
    .update(new Uint8Array(weights.buffer, weights.byteOffset, weights.byteLength))
    .digest('hex');

/** The hash of the weights after each step. */
function reference(run: ReferenceRun, backend: KernelBackend): string[] {
  const training = referenceTrain(run, backend);
  return Array.from({ length: steps }, () => {
    const { loss, weights } = training.next().value;
    expect(loss).toBeLessThan(100);
    return hashOf(weights);
  });
}

const machines: Machine[] = [];
afterEach(() => {
  for (const machine of machines.splice(0)) machine.stop();
});

/** The same from a machine with threads. */
async function onThreads(run: ReferenceRun, threads: number): Promise<string[]> {
  const { model, train, seed } = run;
  const machine = new Machine(nodePlatform(), { ...run, train: train.count, test: 1 }, threads);
  machines.push(machine);
  const ids = Uint32Array.from({ length: samples }, (_, id) => id);
  storeSamples(machine, 'train', { ids, labels: train.labels, pixels: train.images });
  const { weights, parameters } = machine.workspace;
  machine.floats(weights, parameters).set(initialWeights(model, seed));
  machine.weightsChanged();
  await machine.start((error) => {
    throw error;
  });
  const order = new SampleOrder({ ...run, samples });
  const hashes: string[] = [];
  for (let step = 0; step < steps; step++) {
    await advance(machine, order, step);
    hashes.push(hashOf(machine.floats(weights, parameters).slice()));
  }
  return hashes;
}

function advance(machine: Machine, order: SampleOrder, step: number): Promise<void> {
  const [epoch, stepInEpoch] = [Math.floor(step / order.stepsPerEpoch), step % order.stepsPerEpoch];
  const slots = order.slotsIn(stepInEpoch);
  return new Promise((resolve) => {
    machine.pool.run({ work: 'gradient', step, epoch, stepInEpoch }, rootShard(slots), slots, (sum) => {
      machine.update(sum, order.samplesIn(stepInEpoch), step);
      machine.buffers.release(sum);
      resolve();
    });
  });
}

describe.each(models)('a model with %s', (_, model) => {
  const run = runOf(model);
  const expected = reference(run, scalar);

  it('changes its weights in each step', () => {
    expect(new Set(expected).size).toBe(steps);
  });

  it('has the same bits on every backend', () => {
    for (const backend of backendsUnderTest) expect(reference(run, backend)).toEqual(expected);
  });

  it('has the same bits with 1, 2 and 3 threads', { timeout: 60_000 }, async () => {
    for (const threads of [1, 2, 3]) expect(await onThreads(run, threads)).toEqual(expected);
  });
});
