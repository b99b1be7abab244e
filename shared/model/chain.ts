/**
 * A model as a chain of layers. Each layer takes the outputs of the layer before. In the flat vector, its parameters
 * follow the parameters of the layer before.
 */
import { elements, type Layer } from './layers/layer.js';
import { buildLayer } from './layers/layers.js';
import type { Model } from './model.js';

export interface Link {
  readonly layer: Layer;
  /** Floats of one sample of its output. */
  readonly width: number;
  /** Place of its first parameter in the flat vector, and the number of its parameters. */
  readonly offset: number;
  readonly parameters: number;
  /** Place of its transposed parameters among those of all layers, in floats. The first layer has none. */
  readonly transposedAt: number;
}

export type Chain = readonly Link[];

/** A run of floats of the flat vector. */
export interface Span {
  readonly offset: number;
  readonly floats: number;
}

/** The parts of the spans that lie within `floats` floats from `first` on. Their offsets count from `first`. */
export function spansIn(spans: readonly Span[], first: number, floats: number): Span[] {
  return spans.flatMap(({ offset, floats: count }) => {
    const [from, end] = [Math.max(offset, first), Math.min(offset + count, first + floats)];
    return from < end ? [{ offset: from - first, floats: end - from }] : [];
  });
}

/** Builds the layers of a model. Its fields have passed their checks (description.ts). */
export function chainOf({ input, layers }: Pick<Model, 'input' | 'layers'>): Chain {
  let [shape, offset, transposedAt] = [input, 0, 0];
  return layers.map((description, n) => {
    const layer = buildLayer(description, shape);
    const parameters = layer.tensors.reduce((sum, tensor) => sum + elements(tensor.shape), 0);
    const link = { layer, width: elements(layer.output), offset, parameters, transposedAt };
    shape = layer.output;
    offset += parameters;
    // No gradient is carried back to the images, so the first layer needs no transposed parameters.
    if (n > 0) transposedAt += layer.transposedFloats;
    return link;
  });
}

/** The places of all statistics in the flat vector, in ascending order. */
export function statisticsOf(chain: Chain): Span[] {
  return chain.flatMap(({ layer, offset }) => {
    let at = offset;
    return layer.tensors.flatMap(({ shape, isStatistic = false }) => {
      const span = { offset: at, floats: elements(shape) };
      at += span.floats;
      return isStatistic ? [span] : [];
    });
  });
}
