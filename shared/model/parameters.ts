/**
 * Where each parameter of a model lies in one flat float32 vector: for each layer its weight matrix (inputs x outputs,
 * one row per input), then its bias, in declaration order, without gaps. Weights, gradients, optimizer state,
 * checkpoints and the weights hash all have this layout.
 */
import { Activation, type ActivationCode } from '../arithmetic/kernels.js';
import { scoreFloats } from '../work/kinds.js';
import type { Model } from './model.js';

/** One layer of a model within the flat vector. Offsets count floats. */
export interface DenseSpan {
  readonly inputs: number;
  readonly outputs: number;
  readonly activation: ActivationCode;
  readonly weightAt: number;
  readonly biasAt: number;
}

/** One named tensor of the flat vector. */
export interface TensorSpan {
  /** `layers.N.weight` or `layers.N.bias`, N from 0. */
  readonly name: string;
  readonly shape: readonly number[];
  /** First float. */
  readonly offset: number;
}

/** Pixels of one sample. */
export function inputWidth(model: Model): number {
  return model.input.reduce((product, extent) => product * extent, 1);
}

/** Outputs of the last layer: one per class. */
export function outputWidth(model: Model): number {
  return model.layers[model.layers.length - 1].dense;
}

/** The layers in order, each with its place in the flat vector. */
export function denseSpans(model: Model): DenseSpan[] {
  let inputs = inputWidth(model);
  let weightAt = 0;
  return model.layers.map(({ dense: outputs, activation }) => {
    const biasAt = weightAt + inputs * outputs;
    const span = { inputs, outputs, activation: Activation[activation], weightAt, biasAt };
    inputs = outputs;
    weightAt = biasAt + outputs;
    return span;
  });
}

/** Floats of the flat vector. */
export function parameterCount(model: Model): number {
  return denseSpans(model).reduce((count, { inputs, outputs }) => count + (inputs + 1) * outputs, 0);
}

/** Floats of a partial gradient: one per parameter, then the score (`scoreFloats`). */
export function partialFloats(model: Model): number {
  return parameterCount(model) + scoreFloats;
}

/** The named tensors, in the order of the flat vector. */
export function tensorSpans(model: Model): TensorSpan[] {
  return denseSpans(model).flatMap(({ inputs, outputs, weightAt, biasAt }, layer) => [
    { name: `layers.${layer}.weight`, shape: [inputs, outputs], offset: weightAt },
    { name: `layers.${layer}.bias`, shape: [outputs], offset: biasAt },
  ]);
}
