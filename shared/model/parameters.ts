/**
 * The flat vector: all parameters of a model as float32, layer after layer, and tensor after tensor in each layer, in
 * declaration order, without gaps. Weights, gradients, the optimizer's vectors, checkpoints and the weights hash all have
 * this layout.
 */
import { scoreFloats } from '../work/kinds.js';
import { type Chain, chainOf } from './chain.js';
import { elements } from './layers/layer.js';
import type { Model } from './model.js';

/** One named tensor of the flat vector. */
export interface TensorSpan {
  /** `layers.N.` and the tensor's name within the layer, with N from 0: `layers.0.weight`. */
  readonly name: string;
  readonly shape: readonly number[];
  /** Place of its first float. */
  readonly offset: number;
}

/** Pixels of one sample. */
export function inputWidth({ input }: Pick<Model, 'input'>): number {
  return elements(input);
}

/** Outputs of the last layer: at least one per class. */
export function outputWidth(model: Model): number {
  return outputsOf(chainOf(model));
}

export function outputsOf(chain: Chain): number {
  return chain[chain.length - 1].width;
}

/** Floats of the flat vector. */
export function parameterCount(model: Model): number {
  return parametersOf(chainOf(model));
}

export function parametersOf(chain: Chain): number {
  const { offset, parameters } = chain[chain.length - 1];
  return offset + parameters;
}

/** Floats of a partial gradient: one per parameter, then the score (`scoreFloats`). */
export function partialFloats(model: Model): number {
  return parameterCount(model) + scoreFloats;
}

/** The named tensors, in the order of the flat vector. */
export function tensorSpans(model: Model): TensorSpan[] {
  return chainOf(model).flatMap(({ layer, offset }, n) => {
    let at = offset;
    return layer.tensors.map(({ name, shape }) => {
      const span = { name: `layers.${n}.${name}`, shape, offset: at };
      at += elements(shape);
      return span;
    });
  });
}
