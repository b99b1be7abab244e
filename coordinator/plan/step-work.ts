/** What one step or round computes, and what it sends over the network. Pure. */

import { type Chain, chainOf } from '../../shared/model/chain.js';
import type { WireBits } from '../../shared/model/coding.js';
import { kindOf } from '../../shared/model/layers/layers.js';
import type { Model } from '../../shared/model/model.js';
import { parametersOf } from '../../shared/model/parameters.js';
import { findPreset, type PresetName } from '../../shared/model/presets.js';
import { blockFloats, changedPart, referenceSpeeds, usedPixels } from './wire-costs.js';

/** How a step is cut, and how its numbers travel. */
export interface StepCut {
  /** Samples of a step or of a round: a multiple of those of a slot. */
  readonly batch: number;
  readonly microBatch: number;
  /** Micro-batches of a slot. 1: ordinary steps. */
  readonly localSteps: number;
  readonly wireBits: WireBits;
}

/** The sizes of one step. */
export interface StepWork {
  readonly parameters: number;
  readonly samples: number;
  /** The pieces that a step is cut into. More devices than slots have no work. */
  readonly slots: number;
  readonly wireBits: WireBits;
  /** What the reference processor trains alone. */
  readonly referenceSamplesPerSecond: number;
  /** Parameters of a first dense layer, of which blocks without a change are not sent. 0: all numbers are sent. */
  readonly sparseParameters: number;
}

export function stepWorkOf(preset: string, { batch, microBatch, localSteps, wireBits }: StepCut): StepWork {
  const { model } = findPreset(preset);
  const chain = chainOf(model);
  return {
    parameters: parametersOf(chain),
    samples: batch,
    slots: Math.ceil(batch / (microBatch * localSteps)),
    wireBits,
    referenceSamplesPerSecond: referenceSpeeds[preset as PresetName],
    sparseParameters: sparseParameters(model, chain),
  };
}

/** The weights of a pixel that is zero in all images of a step get no gradient. */
function sparseParameters({ layers }: Model, chain: Chain): number {
  const first = chain.findIndex(({ parameters }) => parameters > 0);
  if (first < 0 || kindOf(layers[first]) !== 'dense') return 0;
  return chain[first].width >= blockFloats ? chain[first].parameters : 0;
}

/** Bytes of the weights of a step, for a device that has those of the step before. */
export function weightBytes(work: StepWork): number {
  return bytesOf(work, changedPart, work.wireBits);
}

/** Bytes of the gradient of a shard with this many slots. Coded gradients travel one by one while that is shorter. */
export function gradientBytes(work: StepWork, slots: number): number {
  const { samples, slots: all, wireBits } = work;
  const sum = bytesOf(work, usedPixels((samples * slots) / all), 32);
  return wireBits === 32 ? sum : Math.min(sum, slots * bytesOf(work, usedPixels(samples / all), wireBits));
}

/** A block of coded numbers has one byte for its scale. */
function bytesOf({ parameters, sparseParameters: sparse }: StepWork, part: number, bits: WireBits): number {
  const floatBytes = bits / 8 + (bits === 32 ? 0 : 1 / blockFloats);
  return floatBytes * (parameters - sparse + part * sparse);
}

/** Multiplications of one sample, forward. A convolution uses each parameter at every position of its output. */
export function multiplications(model: Model): number {
  return chainOf(model).reduce((sum, { layer, parameters }) => {
    const [height, width] = layer.output.length === 3 ? layer.output : [1, 1];
    return sum + parameters * height * width;
  }, 0);
}
