/**
 * Draws a small run at random: a model of any layers, and how it is trained. The tables have an entry for every layer,
 * optimizer and schedule; the compiler asks for the missing one.
 */

import type { GivenRounds } from '../../coordinator/run/round-settings.js';
import type { Keep } from '../../coordinator/run/trainer.js';
import type { GivenUpdate } from '../../coordinator/run/update-settings.js';
import { Activation, Loss } from '../../shared/arithmetic/kernels.js';
import type { AugmentDescription } from '../../shared/data/augment.js';
import { type WireBits, wireBitsChoices } from '../../shared/model/coding.js';
import type { Shape } from '../../shared/model/layers/layer.js';
import {
  buildLayer,
  type DescriptionOf,
  type LayerDescription,
  type LayerName,
  layerMisfit,
  layerNames,
} from '../../shared/model/layers/layers.js';
import type { Model } from '../../shared/model/model.js';
import { parameterCount } from '../../shared/model/parameters.js';
import { type OptimizerName, optimizerNames } from '../../shared/optimizer/optimizers.js';
import { type ScheduleName, scheduleNames } from '../../shared/optimizer/schedule.js';
import type { Random } from '../../shared/random.js';

/** A run without the samples that it trains on, and without its directory. */
export interface DrawnRun extends GivenUpdate, GivenRounds {
  readonly model: Model;
  readonly microBatch: number;
  readonly epochs: number;
  readonly evalEvery?: number | undefined;
  readonly clip?: number | undefined;
  readonly labelSmoothing?: number | undefined;
  readonly wireBits?: WireBits | undefined;
  readonly augment?: AugmentDescription | undefined;
  /** Samples that are held out, beside those that it trains on. */
  readonly validation: number;
  readonly keep: Keep;
}

export const classes = 4;
export const stepSamples = 32;

/** So that a step takes microseconds. */
const parametersMax = 1_500;
const layersMax = 5;

const activations = Object.keys(Activation) as (keyof typeof Activation)[];
const losses = Object.keys(Loss) as (keyof typeof Loss)[];

function pick<T>(random: Random, from: readonly T[]): T {
  return from[random.below(from.length)];
}

/** The value in one of `times` cases, else undefined. */
function rarely<T>(random: Random, times: number, value: T): T | undefined {
  return random.below(times) === 0 ? value : undefined;
}

/** Leaves out the fields that are undefined: a description must not have them. */
function present<T extends object>(fields: { readonly [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;
}

const draws: { readonly [Name in LayerName]: (random: Random) => DescriptionOf<Name> } = {
  dense: (random) =>
    present({
      dense: 8 + random.below(9),
      activation: pick(random, activations),
      initial: rarely(random, 3, pick(random, ['he', 'glorot'] as const)),
    }),
  conv2d: (random) =>
    present({
      conv2d: 2 + random.below(3),
      kernel: 1 + random.below(3),
      stride: rarely(random, 3, 2),
      padding: rarely(random, 2, 1),
      activation: pick(random, activations),
      initial: rarely(random, 3, pick(random, ['he', 'glorot'] as const)),
    }),
  maxPool: (random) => present({ maxPool: 1 + random.below(3), ...pooling(random) }),
  averagePool: (random) => present({ averagePool: 1 + random.below(3), ...pooling(random) }),
  globalAveragePool: () => ({ globalAveragePool: true }),
  flatten: () => ({ flatten: true }),
  dropout: (random) => ({ dropout: pick(random, [0.1, 0.25, 0.5]) }),
  batchNorm: (random) =>
    present({ batchNorm: pick(random, [1e-5, 1e-3, 0.1]), activation: rarely(random, 2, pick(random, activations)) }),
  leakyRelu: (random) => ({ leakyRelu: pick(random, [0.01, 0.2]) }),
};

function pooling(random: Random) {
  const [stride, activation] = [1 + random.below(2), pick(random, activations)];
  return { stride: rarely(random, 2, stride), activation: rarely(random, 2, activation) };
}

const optimizers: { readonly [Name in OptimizerName]: (random: Random) => GivenUpdate } = {
  sgd(random) {
    const momentum = pick(random, [0, 0.5, 0.9]);
    const nesterov = momentum > 0 ? rarely(random, 2, true) : undefined;
    return { lr: pick(random, [0.02, 0.05]), momentum, nesterov, weightDecay: rarely(random, 2, 0.01) };
  },
  adam: (random) => ({ lr: 0.01, ...means(random) }),
  adamw: (random) => ({ lr: 0.01, ...means(random), weightDecay: pick(random, [0.01, 0.1]) }),
};

function means(random: Random): GivenUpdate {
  return { beta1: pick(random, [0, 0.7, 0.9]), beta2: pick(random, [0.9, 0.999]), epsilon: rarely(random, 2, 1e-6) };
}

const schedules: { readonly [Name in ScheduleName]: (random: Random) => GivenUpdate } = {
  constant: () => ({}),
  step: (random) => ({ lrEvery: 1 + random.below(2), lrFactor: 0.5 }),
  linear: (random) => ({ lrTo: rarely(random, 2, 0.1) }),
  cosine: (random) => ({ lrTo: rarely(random, 2, 0.1) }),
  'one-cycle': (random) => ({ warmUp: pick(random, [0, 0.3]), lrFrom: rarely(random, 2, 0.1) }),
};

export function drawRun(random: Random): DrawnRun {
  const model = drawModel(random);
  const [optimizer, schedule] = [pick(random, optimizerNames), pick(random, scheduleNames)];
  const microBatch = pick(random, [1, 2, 4, 8]);
  return {
    model,
    microBatch,
    epochs: 2 + random.below(4),
    evalEvery: rarely(random, 3, 3 + random.below(8)),
    optimizer,
    ...optimizers[optimizer](random),
    schedule,
    ...schedules[schedule](random),
    clip: rarely(random, 3, 0.5),
    labelSmoothing: model.loss === 'softmaxCrossEntropy' ? rarely(random, 3, 0.1) : undefined,
    augment: rarely(random, 3, drawAugment(random)),
    validation: rarely(random, 3, 70) ?? 0,
    keep: pick(random, ['last', 'best']),
    ...(rarely(random, 3, drawRounds(random, microBatch)) ?? { batch: stepSamples }),
    wireBits: rarely(random, 2, pick(random, wireBitsChoices)),
  };
}

/** Rounds of at most as many samples as a step, in one slot or more. */
function drawRounds(random: Random, microBatch: number): GivenRounds {
  const localSteps = 2 + random.below(3);
  return {
    localSteps,
    replicas: Math.max(1, Math.floor(stepSamples / (localSteps * microBatch))),
    outerLr: rarely(random, 2, 0.5),
    outerMomentum: pick(random, [undefined, 0, 0.5]),
  };
}

/** One distortion or more. */
function drawAugment(random: Random): AugmentDescription {
  const all: Required<AugmentDescription> = { shift: 1, rotate: 20, scale: 0.1, elastic: 0.7 };
  const names = Object.keys(all) as (keyof AugmentDescription)[];
  const always = pick(random, names);
  const chosen = names.filter((name) => name === always || random.below(2) === 0);
  return Object.fromEntries(chosen.map((name) => [name, all[name]]));
}

function drawModel(random: Random): Model {
  for (;;) {
    const side = () => 4 + random.below(4);
    const input = [side(), side(), ...(random.below(3) === 0 ? [2] : [])];
    const loss = pick(random, losses);
    // The cross-entropies take raw scores.
    const activation = loss === 'quadratic' ? pick(random, activations) : 'linear';
    const model: Model = { input, layers: [...drawLayers(random, input), { dense: classes, activation }], loss };
    if (parameterCount(model) <= parametersMax) return model;
  }
}

function drawLayers(random: Random, input: Shape): LayerDescription[] {
  const layers: LayerDescription[] = [];
  const count = 1 + random.below(layersMax);
  let shape = input;
  while (layers.length < count) {
    const layer = draws[pick(random, layerNames)](random);
    if (layerMisfit(layer, shape) !== null) continue;
    layers.push(layer);
    shape = buildLayer(layer, shape).output;
  }
  return layers;
}
