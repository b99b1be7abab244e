/** Makes the vectors of all layers but dense ones: slots, an evaluation, and an update with its statistics (E2, E4). */
import { madeUpWeights } from '../../coordinator/conform/problem.js';
import type { KernelBackend } from '../../shared/arithmetic/backend.js';
import type { Model } from '../../shared/model/model.js';
import { rootShard } from '../../shared/pool/tree.js';
import { optimizer, resultOf, scoreOf, slotOracle, slotRun, withPositiveVariances } from './slots.js';
import { floatBits, hexBytes, spaced } from './text.js';

const modelOf = (input: Model['input'], ...layers: Model['layers']): Model => ({
  input,
  layers: [...layers, { dense: 3, activation: 'linear' }],
  loss: 'softmaxCrossEntropy',
});

/** A dense layer, or batch normalisation, is before each layer, so that a derivative is passed back through it. */
const models: readonly Model[] = [
  modelOf([4, 5], { batchNorm: 0.01 }, { maxPool: 2, activation: 'relu' }),
  modelOf([5, 4, 2], { batchNorm: 0.01, activation: 'tanh' }, { maxPool: 3, stride: 1 }),
  modelOf([5, 4, 2], { batchNorm: 0.01 }, { averagePool: 2, activation: 'sigmoid' }),
  modelOf([4, 4], { batchNorm: 0.01, activation: 'sigmoid' }, { averagePool: 3, stride: 1 }),
  modelOf([3, 2, 4], { batchNorm: 0.01, activation: 'relu' }, { globalAveragePool: true }),
  modelOf([2, 3], { dense: 5, activation: 'tanh' }, { batchNorm: 1e-5 }, { leakyRelu: 0.1 }, { flatten: true }),
  modelOf([2, 3], { dense: 9, activation: 'relu' }, { dropout: 0.3 }),
  modelOf([5, 4], { conv2d: 3, kernel: 2, activation: 'tanh' }, { conv2d: 2, kernel: 3, activation: 'relu' }),
  modelOf(
    [4, 5, 2],
    { conv2d: 2, kernel: 3, padding: 2, stride: 2, activation: 'relu' },
    { conv2d: 3, kernel: 2, padding: 1, activation: 'sigmoid' },
  ),
];

export function layerVectors(backend?: KernelBackend) {
  return { slots: models.map((model, i) => layerVector(model, i + 1, backend)) };
}

function layerVector(model: Model, seed: number, backend?: KernelBackend) {
  const run = slotRun(model, seed);
  const weights = withPositiveVariances(model, madeUpWeights(run));
  const { oracle, samples, ids } = slotOracle(run, weights, backend);
  const sum = oracle.gradient({ epoch: 0, stepInEpoch: 0 }, rootShard(1));
  const evaluation = scoreOf(oracle.evaluation(rootShard(1)));
  oracle.update(sum, run.train, 0);
  return {
    model,
    seed,
    epoch: 0,
    ids: spaced(ids),
    pixels: hexBytes(samples.pixels),
    labels: spaced(samples.labels),
    weights: floatBits(weights),
    ...resultOf(model, sum),
    evaluation,
    rate: floatBits([optimizer.rate]),
    momentum: floatBits([optimizer.momentum]),
    afterOneUpdate: floatBits(oracle.weights),
  };
}
