/** Makes the vectors of the generators, the order of samples, and first weights (E1). */
import { createHash } from 'node:crypto';
import { type OrderConfig, SampleOrder } from '../../shared/data/order.js';
import { initialWeights } from '../../shared/model/initialise.js';
import type { Model } from '../../shared/model/model.js';
import { tensorSpans } from '../../shared/model/parameters.js';
import { presets } from '../../shared/model/presets.js';
import { Random, stream } from '../../shared/random.js';
import { floatBits, hex, spaced } from './text.js';

const streams: [seed: number, ...labels: number[]][] = [
  [0],
  [1],
  [1, stream.partition],
  [1, stream.epoch, 0, 0],
  [1, stream.epoch, 3, 2],
  [0xffffffff, stream.weights, 1],
];

/** Each field of a stream is made with a new generator. */
export function randomVectors() {
  const of = ([seed, ...labels]: (typeof streams)[number]) => {
    const draw = <T>(count: number, next: (random: Random) => T) => {
      const random = new Random(seed, ...labels);
      return Array.from({ length: count }, () => next(random));
    };
    const order = Uint32Array.from({ length: 20 }, (_, i) => i);
    new Random(seed, ...labels).shuffle(order);
    return {
      seed,
      labels: spaced(labels),
      next: draw(8, (random) => hex(random.uint32())).join(' '),
      below3000000000: spaced(draw(8, (random) => random.below(3_000_000_000))),
      below10: spaced(draw(8, (random) => random.below(10))),
      uniform: floatBits(draw(8, (random) => random.uniform())),
      shuffle20: spaced(order),
    };
  };
  return { streams: streams.map(of) };
}

/** A rest step whose last slot is not full, the defaults on MNIST, and a run with all samples in each step. */
const orders: { config: OrderConfig; slots: number[]; epochs: number[]; idsMax: number }[] = [
  { config: { samples: 103, batch: 24, microBatch: 4, seed: 7 }, slots: [0, 1, 5], epochs: [0, 1], idsMax: 16 },
  { config: { samples: 60_000, batch: 128, microBatch: 16, seed: 1 }, slots: [0, 5, 7], epochs: [0, 2], idsMax: 16 },
  { config: { samples: 50, batch: 0, microBatch: 8, seed: 3 }, slots: [0, 6], epochs: [0, 1], idsMax: 16 },
];

export function orderVectors() {
  return {
    orders: orders.map(({ config, slots, epochs }) => {
      const order = new SampleOrder(config);
      const last = order.stepsPerEpoch - 1;
      const inStep = (epoch: number, stepInEpoch: number) =>
        slots
          .filter((slot) => slot < order.slotsIn(stepInEpoch))
          .map((slot) => ({ epoch, stepInEpoch, slot, ids: spaced(order.slotIds(epoch, stepInEpoch, slot)) }));
      return {
        ...config,
        stepsPerEpoch: order.stepsPerEpoch,
        slots: order.slots,
        slotsInLastStep: order.slotsIn(last),
        samplesInLastStep: order.samplesIn(last),
        microBatches: epochs.flatMap((epoch) => [...new Set([0, last])].flatMap((step) => inStep(epoch, step))),
      };
    }),
  };
}

const small: Model = {
  input: [2, 3],
  layers: [
    { dense: 4, activation: 'relu' },
    { dense: 3, activation: 'tanh' },
    { dense: 3, activation: 'linear' },
  ],
  loss: 'softmaxCrossEntropy',
};

export function firstWeightVectors() {
  return {
    models: [
      [small, 1],
      [small, 42],
      [presets.mlp.model, 1],
    ].map(([model, seed]) => firstWeights(model as Model, seed as number)),
  };
}

function firstWeights(model: Model, seed: number) {
  const weights = initialWeights(model, seed);
  const named = tensorSpans(model)
    .filter(({ name }) => name.endsWith('weight'))
    .map(({ name, offset }) => [name, floatBits(weights.subarray(offset, offset + 8))]);
  return {
    model,
    seed,
    sha256: createHash('sha256').update(new Uint8Array(weights.buffer)).digest('hex'),
    firstEightOf: Object.fromEntries(named),
  };
}
