/**
 * A model as a chain of layers: each takes the outputs of the one before, and its parameters lie behind those of the one
 * before in the flat vector.
 */
import { elements, type Layer } from './layers/layer.js';
import { buildLayer } from './layers/layers.js';
import type { Model } from './model.js';

export interface Link {
  readonly layer: Layer;
  /** Floats of one sample of its output. */
  readonly width: number;
  /** The first of its parameters in the flat vector, and their number. */
  readonly offset: number;
  readonly parameters: number;
  /** Where its transposed parameters begin among those of all layers, in floats. The first layer has none. */
  readonly transposedAt: number;
}

export type Chain = readonly Link[];

/** The links of a model whose fields were checked, in order. */
export function chainOf({ input, layers }: Pick<Model, 'input' | 'layers'>): Chain {
  let [shape, offset, transposedAt] = [input, 0, 0];
  return layers.map((description, n) => {
    const layer = buildLayer(description, shape);
    const parameters = layer.tensors.reduce((sum, tensor) => sum + elements(tensor.shape), 0);
    const link = { layer, width: elements(layer.output), offset, parameters, transposedAt };
    shape = layer.output;
    offset += parameters;
    // Nothing is carried back to the images.
    if (n > 0) transposedAt += layer.transposedFloats;
    return link;
  });
}
