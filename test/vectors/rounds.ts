/** Makes the vectors of rounds: all shards of two rounds of a run, and the weights after each (E2 to E4). */
import { Oracle } from '../../coordinator/conform/oracle.js';
import { madeUpSamples, madeUpWeights } from '../../coordinator/conform/problem.js';
import type { KernelBackend } from '../../shared/arithmetic/backend.js';
import { welcomeRunOf } from '../../shared/compute/welcome-run.js';
import type { RunDescription } from '../../shared/compute/workspace.js';
import { type OptimizerDescription, withSettings } from '../../shared/optimizer/optimizers.js';
import { outerDefault } from '../../shared/optimizer/rounds.js';
import type { SlotRules } from '../../shared/optimizer/update.js';
import { rootShard } from '../../shared/pool/tree.js';
import { nodesOf, resultOf, withPositiveVariances } from './slots.js';
import { floatBits, hexBytes, spaced } from './text.js';

const rounded = (optimizer: OptimizerDescription) => withSettings(optimizer, {});

/** Each optimizer with some of its settings, with a schedule, and clipped or not. */
const rules: readonly Omit<SlotRules, 'steps'>[] = [
  { optimizer: rounded({ name: 'sgd', rate: 0.1, momentum: 0.9 }) },
  {
    optimizer: rounded({ name: 'sgd', rate: 0.2, momentum: 0.5, nesterov: true, decay: 0.01 }),
    schedule: { schedule: { name: 'one-cycle', warmUp: 0.5, from: 0.25, to: 0.125 }, epochs: 3, stepsPerEpoch: 3 },
    clip: 0.25,
  },
  {
    optimizer: rounded({ name: 'adam', rate: 0.01, beta1: 0.9, beta2: 0.99, epsilon: 1e-6 }),
    schedule: { schedule: { name: 'cosine', to: 0.1 }, epochs: 3, stepsPerEpoch: 3 },
  },
  {
    optimizer: rounded({ name: 'adamw', rate: 0.02, beta1: 0.8, beta2: 0.9, epsilon: 1e-8, decay: 0.1 }),
    schedule: { schedule: { name: 'linear', to: 0.5 }, epochs: 3, stepsPerEpoch: 3 },
    clip: 1,
  },
  {
    optimizer: rounded({ name: 'sgd', rate: 0.1, momentum: 0 }),
    schedule: { schedule: { name: 'step', every: 1, factor: 0.5 }, epochs: 3, stepsPerEpoch: 3 },
  },
];

/** Its rounds have 18 samples in 3 slots of two steps, and 13 in slots of 6, 6 and 1. */
function runWith(slotRules: Omit<SlotRules, 'steps'>, seed: number): RunDescription {
  return {
    model: {
      input: [2, 2],
      layers: [{ dense: 3, activation: 'tanh' }, { batchNorm: 0.1 }, { dense: 3, activation: 'linear' }],
      loss: 'softmaxCrossEntropy',
    },
    train: 49,
    test: 1,
    batch: 18,
    microBatch: 3,
    seed,
    optimizer: outerDefault,
    rounds: { steps: 2, ...slotRules },
  };
}

export function roundVectors(backend?: KernelBackend) {
  return { runs: rules.map((each, i) => runVector(runWith(each, i + 1), backend)) };
}

function runVector(run: RunDescription, backend?: KernelBackend) {
  const oracle = new Oracle(run, backend);
  const samples = madeUpSamples(run, 'train', run.train);
  oracle.store('train', samples);
  oracle.setWeights(withPositiveVariances(run.model, madeUpWeights(run)));
  const { model, batch, microBatch, seed, rounds } = welcomeRunOf(run);
  const weights = floatBits(oracle.weights);
  const [first, rest] = [roundOf(oracle, 0, 0), roundOf(oracle, 1, 2)];
  return {
    ...{ model, train: run.train, batch, microBatch, seed, rounds, outer: run.optimizer },
    pixels: hexBytes(samples.pixels),
    labels: spaced(samples.labels),
    weights,
    first,
    rest,
  };
}

/** All shards of a round, and the weights after its update. The outer optimizer counts its updates from 0. */
function roundOf(oracle: Oracle, epoch: number, stepInEpoch: number) {
  const { order, run } = oracle;
  const slots = order.slotsIn(stepInEpoch);
  const shards = nodesOf(rootShard(slots), slots).map((shard) => ({
    epoch,
    stepInEpoch,
    ...shard,
    ...resultOf(run.model, oracle.gradient({ epoch, stepInEpoch }, shard)),
  }));
  const root = oracle.gradient({ epoch, stepInEpoch }, rootShard(slots));
  oracle.update(root, order.termsIn(stepInEpoch), epoch * order.stepsPerEpoch + stepInEpoch);
  return { shards, weightsAfter: floatBits(oracle.weights) };
}
