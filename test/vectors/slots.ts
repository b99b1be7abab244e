/** Makes the vectors of slots, one per loss and activation, and of a small run with an evaluation (E2 to E4). */
import { type Evaluation, Oracle } from '../../coordinator/conform/oracle.js';
import { madeUpSamples, madeUpWeights } from '../../coordinator/conform/problem.js';
import type { KernelBackend } from '../../shared/arithmetic/backend.js';
import type { RunDescription } from '../../shared/compute/workspace.js';
import type { DenseDescription } from '../../shared/model/layers/dense.js';
import { elements } from '../../shared/model/layers/layer.js';
import type { Model } from '../../shared/model/model.js';
import { parameterCount, tensorSpans } from '../../shared/model/parameters.js';
import { halves, rootShard, type Shard, shardAt } from '../../shared/pool/tree.js';
import { floatBits, hexBytes, spaced } from './text.js';

type Activation = DenseDescription['activation'];

export const optimizer = { name: 'sgd', rate: 0.1, momentum: 0.9 } as const;

const slotCases: [hidden: Activation, last: Activation, loss: Model['loss']][] = [
  ['relu', 'linear', 'softmaxCrossEntropy'],
  ['tanh', 'linear', 'sigmoidCrossEntropy'],
  ['sigmoid', 'linear', 'quadratic'],
  ['linear', 'sigmoid', 'quadratic'],
  ['relu', 'tanh', 'quadratic'],
  ['tanh', 'relu', 'quadratic'],
];

/** A slot of four samples. The model has two hidden layers, so that one of them passes a derivative back. */
export function slotVectors(backend?: KernelBackend) {
  return { slots: slotCases.map((each, i) => slotVector(each, i + 1, backend)) };
}

function slotVector([hidden, last, loss]: (typeof slotCases)[number], seed: number, backend?: KernelBackend) {
  const layers: DenseDescription[] = [
    { dense: 4, activation: hidden },
    { dense: 5, activation: hidden },
    { dense: 3, activation: last },
  ];
  const model: Model = { input: [2, 3], layers, loss };
  const run = slotRun(model, seed);
  const weights = madeUpWeights(run);
  const { oracle, samples } = slotOracle(run, weights, backend);
  return {
    model,
    pixels: hexBytes(samples.pixels),
    labels: spaced(samples.labels),
    weights: floatBits(weights),
    ...resultOf(model, oracle.gradient({ epoch: 0, stepInEpoch: 0 }, rootShard(1))),
    predictions: spaced(oracle.evaluation(rootShard(1)).predictions),
  };
}

/** A run whose steps and evaluations have one slot of four samples. */
export function slotRun(model: Model, seed: number): RunDescription {
  return { model, train: 4, test: 4, batch: 0, microBatch: 4, seed, optimizer };
}

/** Has the samples as row 0, 1, … of the first step's slot, and of the evaluation. `ids` are those of the rows. */
export function slotOracle(run: RunDescription, weights: Float32Array, backend?: KernelBackend) {
  const oracle = new Oracle(run, backend);
  const samples = madeUpSamples(run, 'train', 4);
  // Sample r gets the id of row r. Otherwise, the order of the run would mix the samples.
  const ids = Uint32Array.from(oracle.order.slotIds(0, 0, 0));
  oracle.store('train', { ...samples, ids });
  oracle.store('test', samples);
  oracle.setWeights(weights);
  return { oracle, samples, ids };
}

export function resultOf(model: Model, sum: Float32Array) {
  const parameters = parameterCount(model);
  return {
    lossSum: floatBits([sum[parameters]]),
    correct: floatBits([sum[parameters + 1]]),
    gradient: floatBits(sum.subarray(0, parameters)),
  };
}

/** Its steps have 24 samples in 6 slots, and 9 in 3 slots of 4, 4 and 1. Evaluation slots have 64, 64 and 22. */
const run: RunDescription = {
  model: {
    input: [2, 2],
    layers: [
      { dense: 3, activation: 'relu' },
      { dense: 3, activation: 'linear' },
    ],
    loss: 'softmaxCrossEntropy',
  },
  train: 33,
  test: 150,
  batch: 24,
  microBatch: 4,
  seed: 5,
};
export function runVectors(backend?: KernelBackend) {
  const oracle = new Oracle({ ...run, optimizer }, backend);
  const [train, test] = [madeUpSamples(run, 'train', run.train), madeUpSamples(run, 'test', run.test)];
  oracle.store('train', train);
  oracle.store('test', test);
  oracle.setWeights(madeUpWeights(run));
  return {
    ...run,
    trainPixels: hexBytes(train.pixels),
    trainLabels: spaced(train.labels),
    testPixels: hexBytes(test.pixels),
    testLabels: spaced(test.labels),
    rate: floatBits([optimizer.rate]),
    momentum: floatBits([optimizer.momentum]),
    weights: floatBits(oracle.weights),
    shards: shardsOf(oracle, 0),
    evaluation: nodesOf(rootShard(oracle.evaluationSlots), oracle.evaluationSlots).map((shard) => ({
      ...shard,
      ...scoreOf(oracle.evaluation(shard)),
    })),
    ...updatesOf(oracle),
  };
}

function shardsOf(oracle: Oracle, stepInEpoch: number) {
  const slots = oracle.order.slotsIn(stepInEpoch);
  return nodesOf(rootShard(slots), slots).map((shard) => ({
    epoch: 0,
    stepInEpoch,
    ...shard,
    ...resultOf(run.model, oracle.gradient({ epoch: 0, stepInEpoch }, shard)),
  }));
}

function updatesOf(oracle: Oracle) {
  const update = (stepInEpoch: number) => {
    const slots = oracle.order.slotsIn(stepInEpoch);
    const root = oracle.gradient({ epoch: 0, stepInEpoch }, rootShard(slots));
    oracle.update(root, oracle.order.termsIn(stepInEpoch), stepInEpoch);
    return floatBits(oracle.weights);
  };
  const afterOneUpdate = update(0);
  const restStep = shardsOf(oracle, 1);
  return { afterOneUpdate, restStep, afterTwoUpdates: update(1) };
}

export function scoreOf({ sums, predictions }: Evaluation) {
  return { lossSum: floatBits([sums[0]]), correct: floatBits([sums[1]]), predictions: spaced(predictions) };
}

/** This node and all nodes below it. Each node comes after its halves. */
export function nodesOf(node: Shard, slots: number): Shard[] {
  if (node.size === 1) return [shardAt(node.lo, 1, slots)];
  const [left, right] = halves(node, slots);
  return [...nodesOf(left, slots), ...nodesOf(right, slots), node];
}

/** Makes the running variances from 0.5 to 1. */
export function withPositiveVariances(model: Model, weights: Float32Array): Float32Array {
  for (const { name, shape, offset } of tensorSpans(model)) {
    if (!name.endsWith('.variance')) continue;
    for (let i = offset; i < offset + elements(shape); i++) weights[i] = 0.5 + Math.abs(weights[i]);
  }
  return weights;
}
